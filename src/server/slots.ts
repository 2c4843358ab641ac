import { IncomingMessage } from 'node:http'
import { SallyportError } from '#error'

/** One request that is being answered. */
export interface Slot {
  /** Others may go ahead while this one waits for a client. */
  yield(): void
  /** Takes a place again. @throws SallyportError SERVER_BUSY */
  take(): void
  /** Counts bytes of a body that are kept until the request is over. @throws SallyportError SERVER_BUSY */
  hold(bytes: number): void
  close(): void
}

export interface Slots {
  readonly taken: number
  /** @throws SallyportError SERVER_BUSY */
  open(request: SlottedRequest): Slot
}

/** All bodies together: as many as are answered at a time may be large, and all who connect may send one. */
const maxHeldBytes = 256 * 1024 * 1024

/** A request that `listen` takes in. */
export class SlottedRequest extends IncomingMessage {
  slot?: Slot
}

/**
 * Places for requests that are being answered. Who sends a body slowly has none meanwhile: a thousand such clients keep
 * nobody out, they only have connections.
 */
export function openSlots(concurrent: number, maxBytes = maxHeldBytes): Slots {
  let taken = 0
  let held = 0
  return {
    get taken() {
      return taken
    },
    open(request) {
      let has = false
      let own = 0
      const slot: Slot = {
        yield() {
          if (has) taken -= 1
          has = false
        },
        take() {
          if (has) return
          if (taken >= concurrent) throw busy('a place to be answered at', `${taken} taken`)
          taken += 1
          has = true
        },
        hold(bytes) {
          if (held + bytes > maxBytes) throw busy('memory for one more body', `${held} bytes held`)
          held += bytes
          own += bytes
        },
        close() {
          slot.yield()
          held -= own
          own = 0
        },
      }
      slot.take()
      request.slot = slot
      return slot
    },
  }
}

/** The place of a request that `listen` has taken in; undefined for one from elsewhere. */
export function slotOf(request: IncomingMessage): Slot | undefined {
  return request instanceof SlottedRequest ? request.slot : undefined
}

function busy(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'SERVER_BUSY',
    where: 'gate',
    expected,
    found,
    fix: 'Ask again in a second; if it stays so, run more replicas of the gate',
  })
}
