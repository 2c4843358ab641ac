import type { Evidence, EvidenceItem } from './decision.ts'

/** More attestations than any one artifact has; more of them are a flood. */
const maxItems = 1024
/** So many of a flood are looked at: enough to say what is wrong with them. */
const lookedAt = 8
/** So many places of the flood are drawn from, evenly, however long it is. */
const drawn = 1024

/**
 * PRV-18: who can add evidence can add any amount of it. A flood can never end in a yes, so there is no reason to read
 * it: a few records say what is wrong as well as all of them would. One of each source is taken before a second of any,
 * so that whoever floods one place hides nothing that lies in another.
 *
 * Signatures of images are evidence like any other.
 */
export function withinBounds(evidence: Evidence): Evidence {
  const { items, signatures = [], leftOut = 0, ...rest } = evidence
  const count = items.length + signatures.length
  if (count <= maxItems) {
    return { ...evidence, items: signatures.length === 0 ? items : [...items, ...signatures] }
  }
  const some = oneOfEach([...evenly(items), ...evenly(signatures)])
  return { ...rest, items: some, leftOut: leftOut + count - some.length }
}

function evenly(items: readonly EvidenceItem[]): readonly EvidenceItem[] {
  const step = Math.max(1, items.length / drawn)
  const places = Math.min(items.length, drawn)
  return Array.from({ length: places }, (_, index) => items[Math.floor(index * step)]).filter(
    (item) => item !== undefined,
  )
}

/** The first of each source, then the second of each, as many as are looked at. */
function oneOfEach(items: readonly EvidenceItem[]): readonly EvidenceItem[] {
  const bySource = [...Map.groupBy(items, ({ source }) => source).values()]
  const turns = Array.from({ length: lookedAt }, (_, turn) =>
    bySource.flatMap((own) => own.slice(turn, turn + 1)),
  )
  return turns.flat().slice(0, lookedAt)
}
