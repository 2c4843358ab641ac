/** An answer that its client has not taken whole. */
export interface UntakenAnswer {
  readonly left: number
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

/** Who has taken nothing for so long does not take its answer all the time. */
const silentMs = 1000

/**
 * Bounds what lies in memory because clients do not take it. Beyond the bound whoever is silent is cut off, for longest
 * first; who takes its answer all the time is not, however many others do. All together are never more than twice the
 * bound: beyond that the newest are cut off, because anybody may open many at once.
 */
export function openUntaken(
  { seconds, bytes }: UntakenLimits,
  now: () => number = () => performance.now(),
): { add(answer: UntakenAnswer): void } {
  const untaken = new Set<UntakenAnswer>()
  const cutOff = (candidates: readonly UntakenAnswer[], most: number): void => {
    let total = [...untaken].reduce((sum, { left }) => sum + left, 0)
    for (const answer of candidates) {
      if (total <= most) return
      total -= answer.left
      untaken.delete(answer)
      answer.destroy()
    }
  }
  return {
    add(answer) {
      if (answer.left === 0 || answer.closed) return
      untaken.add(answer)
      const stop = watch(answer, seconds * 1000, now)
      answer.once('close', () => {
        stop()
        untaken.delete(answer)
      })
      const silent = [...untaken].filter(({ takenAt }) => now() - takenAt >= silentMs)
      cutOff(
        silent.toSorted((a, b) => a.takenAt - b.takenAt),
        bytes,
      )
      cutOff([...untaken].toReversed(), bytes * 2)
    },
  }
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
