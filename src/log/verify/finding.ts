import type { Problem } from '#error'
import { tilePath, tileWidth, tileWidthIn } from '#merkle'

/** How an entry on disk differs from the one that the tiles prove. `index` is its place in the log; for an added one, in the file. */
export type EntryFinding =
  | {
      readonly kind: 'altered'
      readonly index: number
      readonly expected: string
      readonly found: string
    }
  | { readonly kind: 'removed'; readonly index: number; readonly expected: string }
  | { readonly kind: 'added'; readonly index: number; readonly found: string }

/**
 * What the findings mean together. An entry that is missing at one place and stands at another was moved. Where it
 * only slipped over the border of two bundles, something before it was removed or added, and that is what is said.
 */
export function explainFindings(findings: readonly EntryFinding[], size: number): Problem[] {
  const missing = new Map(
    findings.flatMap((one) => (one.kind === 'added' ? [] : [[one.expected, one]])),
  )
  const present = new Map(
    findings.flatMap((one) => (one.kind === 'removed' ? [] : [[one.found, one]])),
  )
  const slipped = new Set(
    [...missing.keys()].filter((hash) => isSlip(missing.get(hash), present.get(hash))),
  )
  const problems = findings
    .flatMap((one) => withoutSlips(one, slipped))
    .flatMap((finding) => {
      const from = finding.kind === 'removed' ? undefined : missing.get(finding.found)
      const to = finding.kind === 'added' ? undefined : present.get(finding.expected)
      if (finding.kind === 'removed')
        return [to === undefined ? problemOf(finding, size) : moved(finding.index, to.index, size)]
      if (finding.kind === 'altered')
        return [
          from === undefined ? problemOf(finding, size) : moved(from.index, finding.index, size),
        ]
      // One that is missing elsewhere is named there.
      return from === undefined ? [problemOf(finding, size)] : []
    })
  // Something is wrong, so something is said.
  return problems.length > 0 ? problems : findings.map((finding) => problemOf(finding, size))
}

/** Beside each other, in two bundles, and on one side with nothing in its place. */
function isSlip(missing: EntryFinding | undefined, present: EntryFinding | undefined): boolean {
  if (missing === undefined || present === undefined) return false
  const bundles = [missing, present].map(({ index }) => Math.floor(index / tileWidth))
  return (
    Math.abs(missing.index - present.index) <= 1 &&
    bundles[0] !== bundles[1] &&
    (missing.kind === 'removed' || present.kind === 'added')
  )
}

function withoutSlips(finding: EntryFinding, slipped: ReadonlySet<string>): EntryFinding[] {
  const { kind, index } = finding
  if (kind === 'removed') return slipped.has(finding.expected) ? [] : [finding]
  if (kind === 'added') return slipped.has(finding.found) ? [] : [finding]
  const { expected, found } = finding
  if (!slipped.has(expected) && !slipped.has(found)) return [finding]
  return [
    ...(slipped.has(expected) ? [] : [{ kind: 'removed', index, expected } as const]),
    ...(slipped.has(found) ? [] : [{ kind: 'added', index, found } as const]),
  ]
}

function moved(from: number, to: number, size: number): Problem {
  const bundles = [...new Set([bundleName(from, size), bundleName(to, size)])]
  return {
    code: 'LOG_ENTRY_REORDERED',
    where: `entry ${from}`,
    expected: `entry ${from} at place ${from}, where it was logged`,
    found: `entry ${from} at place ${to}`,
    fix: `Restore ${bundles.map((path) => `"${path}"`).join(' and ')} from a copy of the log, and find out who could write to its folder`,
  }
}

function problemOf(finding: EntryFinding, size: number): Problem {
  const where = `entry ${finding.index}`
  const fix = `Restore "${bundleName(finding.index, size)}" from a copy of the log, and find out who could write to its folder`
  switch (finding.kind) {
    case 'altered': {
      const { expected, found } = finding
      return {
        code: 'LOG_ENTRY_ALTERED',
        where,
        expected: `an entry with leaf hash ${expected}, as it was logged`,
        found: `one with ${found}`,
        fix,
      }
    }
    case 'removed':
      return {
        code: 'LOG_ENTRY_REMOVED',
        where,
        expected: `the entry with leaf hash ${finding.expected}`,
        found: 'no such entry',
        fix,
      }
    case 'added':
      return {
        code: 'LOG_ENTRY_ADDED',
        where,
        expected: 'no entry here: the signed tree has none',
        found: `an entry with leaf hash ${finding.found}`,
        fix,
      }
  }
}

/** The file with this entry; for one behind the end, the last. */
function bundleName(index: number, size: number): string {
  const place = {
    level: 'entries',
    index: Math.floor(Math.min(index, size - 1) / tileWidth),
  } as const
  return tilePath({ ...place, width: tileWidthIn(size, place) })
}
