/** Does something with each, at most `width` at a time. Results are in order; the first failure fails all. */
export async function mapBounded<In, Out>(
  list: readonly In[],
  width: number,
  work: (item: In) => Promise<Out>,
): Promise<readonly Out[]> {
  const results: Out[] = []
  const entries = list.entries()
  const lane = async (): Promise<void> => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, list.length) }, lane))
  return results
}
