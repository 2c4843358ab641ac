/**
 * The known name that a misspelt one most likely means, or undefined when none is near: at most a third of the
 * letters differ.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3))
  const wanted = name.toLowerCase().slice(0, 64)
  for (const candidate of known) {
    const distance = editDistance(wanted, candidate.toLowerCase().slice(0, 64))
    if (distance < least || (distance === least && best === undefined)) {
      best = candidate
      least = distance
    }
  }
  return best
}

/** How many letters must be changed, added, left out or swapped with their neighbour; one row at a time. */
function editDistance(a: string, b: string): number {
  let before: readonly number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 0; i < a.length; i += 1) {
    const next = [i + 1]
    for (let j = 0; j < b.length; j += 1) {
      const change = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1)
      const swap = isSwap(a, i, b, j) ? (before[j - 1] ?? 0) + 1 : Infinity
      next.push(Math.min(change, swap, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1))
    }
    before = row
    row = next
  }
  return row[b.length] ?? 0
}

function isSwap(a: string, i: number, b: string, j: number): boolean {
  return i > 0 && j > 0 && a[i] === b[j - 1] && a[i - 1] === b[j]
}
