import type { EntryFinding } from './finding.ts'

/**
 * The shortest way from the leaf hashes of a tile to those of its bundle: which entries are gone, new, or other.
 * Neither has more than some 300 hashes, so the square of it is nothing.
 */
export function diffEntries(
  first: number,
  expected: readonly string[],
  found: readonly string[],
): EntryFinding[] {
  const common = longestCommon(expected, found)
  const findings: EntryFinding[] = []
  for (let [at, place] = [0, 0]; at < expected.length || place < found.length;) {
    const [want = '', have = ''] = [expected[at], found[place]]
    const here = common(at, place)
    // A step that leaves as much in common as there was is on a shortest way.
    const gone = at < expected.length && common(at + 1, place) === here
    const come = place < found.length && common(at, place + 1) === here
    const step = stepOf(want === have, gone, come && common(at + 1, place + 1) === here)
    if (step !== 'same')
      findings.push(findingOf(step, first + (step === 'added' ? place : at), want, have))
    if (step !== 'added') at += 1
    if (step !== 'removed') place += 1
  }
  return findings
}

function findingOf(
  kind: EntryFinding['kind'],
  index: number,
  expected: string,
  found: string,
): EntryFinding {
  switch (kind) {
    case 'altered':
      return { kind, index, expected, found }
    case 'removed':
      return { kind, index, expected }
    case 'added':
      return { kind, index, found }
  }
}

function stepOf(same: boolean, gone: boolean, both: boolean) {
  if (same) return 'same'
  if (!gone) return 'added'
  return both ? 'altered' : 'removed'
}

/** The length of the longest common subsequence of what follows two places. */
function longestCommon(a: readonly string[], b: readonly string[]) {
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const common = (at: number, place: number) =>
    at > a.length || place > b.length ? 0 : (lengths[at * width + place] ?? 0)
  for (let at = a.length - 1; at >= 0; at -= 1)
    for (let place = b.length - 1; place >= 0; place -= 1)
      lengths[at * width + place] =
        a[at] === b[place]
          ? 1 + common(at + 1, place + 1)
          : Math.max(common(at + 1, place), common(at, place + 1))
  return common
}
