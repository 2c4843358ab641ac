/** An answer that its client has not taken whole. */
export interface UntakenAnswer {
  readonly left: number
  /** Since when the answer is whole; as `performance.now()`. */
  readonly wholeAt: number
  /** When the client last took some of it; as `performance.now()`. */
  readonly takenAt: number
  readonly closed: boolean
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

export interface UntakenLimits {
  /** Who takes nothing for so long is cut off. */
  readonly seconds: number
  /** What all together may be. */
  readonly bytes: number
}

/** Within this the buffers of a connection fill, also those of a client that takes nothing. */
const fillMs = 1000
/** Of who takes all the time nothing is seen until such a buffer has room for a megabyte or two. */
const stepMs = 15_000

/**
 * Bounds what lies in memory because clients do not take it. Beyond the bound whoever is silent is cut off, for longest
 * first; who takes its answer all the time is not, however many others do. All together are never more than twice the
 * bound: beyond that the newest are cut off, because anybody may open many at once.
 */
export function openUntaken(
  { seconds, bytes }: UntakenLimits,
  now: () => number = () => performance.now(),
): { add(answer: UntakenAnswer): void } {
  const untaken = new Map<UntakenAnswer, number>()
  /** What was left when it was counted: no less than is. */
  let total = 0
  const count = (answer: UntakenAnswer): void => {
    const { left } = answer
    total += left - (untaken.get(answer) ?? 0)
    untaken.set(answer, left)
  }
  const forget = (answer: UntakenAnswer): void => {
    total -= untaken.get(answer) ?? 0
    untaken.delete(answer)
  }
  const cutOff = (candidates: readonly UntakenAnswer[], most: number): void => {
    for (const answer of candidates) {
      if (total <= most) return
      forget(answer)
      answer.destroy()
    }
  }
  return {
    add(answer) {
      if (answer.left === 0 || answer.closed) return
      count(answer)
      const stop = watch(answer, seconds * 1000, now)
      answer.once('close', () => {
        stop()
        forget(answer)
      })
      if (total <= bytes) return
      for (const one of untaken.keys()) count(one)
      if (total <= bytes) return
      const silent = [...untaken.keys()].filter((one) => isSilent(one, now()))
      cutOff(
        silent.toSorted((a, b) => a.takenAt - b.takenAt),
        bytes,
      )
      cutOff([...untaken.keys()].toReversed(), bytes * 2)
    },
  }
}

/** Who has taken some since the buffers were full may be slow; who has not is silent as soon as they are. */
function isSilent({ wholeAt, takenAt }: UntakenAnswer, now: number): boolean {
  const hasTaken = takenAt - wholeAt >= fillMs
  return now - takenAt >= (hasTaken ? stepMs : fillMs)
}

/** Cuts off who takes nothing for `most` milliseconds. */
function watch(answer: UntakenAnswer, most: number, now: () => number): () => void {
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const left = answer.takenAt + most - now()
    if (left <= 0) answer.destroy()
    else timer = setTimeout(look, left)
  }
  look()
  return () => clearTimeout(timer)
}
