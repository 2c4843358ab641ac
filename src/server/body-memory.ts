import { busy } from './busy.ts'

/** Called when a body gives way to others: nothing of it may be kept then. */
export type CutOff = (problem: ReturnType<typeof busy>) => void

/** Bounds the memory for bodies of requests, all together. `owner` is whoever one is of. */
export interface BodyMemory {
  /** Counts bytes until they are released. @throws SallyportError SERVER_BUSY when there is no room */
  hold(owner: object, bytes: number, cutOff: CutOff): void
  /** What is held for `owner` is a whole body: it gives way to nobody any more. */
  arrived(owner: object): void
  release(owner: object): void
}

/** A body that has not arrived by then gives way when there is no room for another. */
const arrivalMs = 1000

export function openBodyMemory(maxBytes: number, now: () => number): BodyMemory {
  let held = 0
  const sizes = new Map<object, number>()
  /** Those that are not whole, in the order in which they began. */
  const arriving = new Map<object, { readonly since: number; readonly cutOff: CutOff }>()
  const release = (owner: object): void => {
    arriving.delete(owner)
    held -= sizes.get(owner) ?? 0
    sizes.delete(owner)
  }
  const makeRoom = (bytes: number): void => {
    const latest = now() - arrivalMs
    for (const [owner, { since, cutOff }] of arriving) {
      if (held + bytes <= maxBytes || since > latest) return
      cutOff(busy('a body that arrives within a second', `${sizes.get(owner) ?? 0} bytes of it`))
      release(owner)
    }
  }
  return {
    hold(owner, bytes, cutOff) {
      makeRoom(bytes)
      if (held + bytes > maxBytes) throw busy('memory for one more body', `${held} bytes held`)
      held += bytes
      sizes.set(owner, (sizes.get(owner) ?? 0) + bytes)
      if (!arriving.has(owner)) arriving.set(owner, { since: now(), cutOff })
    },
    arrived: (owner) => void arriving.delete(owner),
    release,
  }
}
