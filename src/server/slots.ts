import { IncomingMessage } from 'node:http'
import { openBodyMemory, type CutOff } from './body-memory.ts'
import { busy } from './busy.ts'

/** One request that is being answered. */
export interface Slot {
  /** Others may go ahead while this one waits for a client. */
  yield(): void
  /** Takes a place again. @throws SallyportError SERVER_BUSY */
  take(): void
  /**
   * Counts bytes of a body that are kept until the request is over; `cutOff` is called when others need the memory while
   * it still arrives. @throws SallyportError SERVER_BUSY
   */
  hold(bytes: number, cutOff: CutOff): void
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
 * Places for requests that are being answered. Who sends a body slowly has none meanwhile, and no memory that others need: a
 * thousand such clients keep nobody out, they only have connections.
 */
export function openSlots(
  concurrent: number,
  maxBytes = maxHeldBytes,
  now: () => number = () => performance.now(),
): Slots {
  let taken = 0
  const memory = openBodyMemory(maxBytes, now)
  return {
    get taken() {
      return taken
    },
    open(request) {
      let has = false
      const slot: Slot = {
        yield() {
          if (has) taken -= 1
          has = false
        },
        take() {
          memory.arrived(slot)
          if (has) return
          if (taken >= concurrent) throw busy('a place to be answered at', `${taken} taken`)
          taken += 1
          has = true
        },
        hold: (bytes, cutOff) => memory.hold(slot, bytes, cutOff),
        close() {
          slot.yield()
          memory.release(slot)
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
