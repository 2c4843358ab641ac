import { SallyportError, type Problem } from '#error'

/**
 * Does the work for every item, `width` at a time, and gives the results in the items' order. Problems of all items are
 * reported at once; any other failure ends it.
 */
export async function forEach<T, R>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Map<number, R>()
  const problems: Problem[] = []
  const queue = items.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of queue) {
      try {
        results.set(index, await work(item))
      } catch (error) {
        if (!(error instanceof SallyportError)) throw error
        problems.push(...error.problems)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  SallyportError.throwAll(problems.toSorted((a, b) => ((a.where ?? '') < (b.where ?? '') ? -1 : 1)))
  return [...results].toSorted(([a], [b]) => a - b).map(([, result]) => result)
}
