import type { Problem } from '#error'
import { tilePath, tileWidth } from '#merkle'

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
 * What the findings mean together. An entry that is missing at one place and stands at another was moved; where it
 * only slipped over the border of two bundles, because something before it was removed or added, that says nothing.
 */
export function explainFindings(findings: readonly EntryFinding[]): Problem[] {
  const missing = new Map<string, number>()
  for (const finding of findings)
    if (finding.kind !== 'added') missing.set(finding.expected, finding.index)
  const present = new Map<string, number>()
  for (const finding of findings)
    if (finding.kind !== 'removed') present.set(finding.found, finding.index)
  return findings.flatMap((finding) => {
    const from = finding.kind === 'removed' ? undefined : missing.get(finding.found)
    const to = finding.kind === 'added' ? undefined : present.get(finding.expected)
    if (finding.kind === 'removed' && to !== undefined)
      return isSlip(finding.index, to) ? [] : [moved(finding.index, to)]
    if (finding.kind === 'added' && from !== undefined) return []
    if (finding.kind === 'altered' && from !== undefined) return [moved(from, finding.index)]
    return [problemOf(finding)]
  })
}

function isSlip(from: number, to: number): boolean {
  return Math.abs(from - to) <= 1 && Math.floor(from / tileWidth) !== Math.floor(to / tileWidth)
}

function moved(from: number, to: number): Problem {
  return {
    code: 'LOG_ENTRY_REORDERED',
    where: `entry ${from}`,
    expected: `entry ${from} at place ${from}, where it was logged`,
    found: `entry ${from} at place ${to}`,
    fix: `Restore "${bundleName(from)}" and "${bundleName(to)}" from a copy of the log, and find out who could write to its folder.`,
  }
}

function problemOf(finding: EntryFinding): Problem {
  const where = `entry ${finding.index}`
  const fix = `Restore "${bundleName(finding.index)}" from a copy of the log, and find out who could write to its folder.`
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

function bundleName(index: number): string {
  return tilePath({ level: 'entries', index: Math.floor(index / tileWidth), width: tileWidth })
}
