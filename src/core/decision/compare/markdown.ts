import { codeBlock, codeSpan } from '../account/markdown.ts'
import type { DecisionChange, Outcome } from './compare-decisions.ts'
import type { PolicyChange } from './compare-policies.ts'

/** What a change of policies does, as far as anybody looked. */
export interface PolicyDiff {
  readonly policies: readonly PolicyChange[]
  /** Every question that was decided twice, with where it came from. */
  readonly decisions: readonly (DecisionChange & { readonly source: string })[]
}

export const outcomeTitles: Readonly<Record<Exclude<Outcome, 'same'>, string>> = {
  'now-denied': 'now denied',
  'now-allowed': 'now allowed',
  'other-reasons': 'same answer, other reasons',
}

/** What is let in or not otherwise than before. */
export function changesAnswers({ decisions }: PolicyDiff): boolean {
  return decisions.some(({ outcome }) => outcome === 'now-denied' || outcome === 'now-allowed')
}

/** So many of each kind are told in a comment; the others are counted. */
const shown = 50

/** The difference as Markdown for a pull request; texts of others stand in code, where nothing means anything. */
export function diffMarkdown(diff: PolicyDiff, maxLength = 60_000): string {
  const { policies, decisions } = diff
  const changed = decisions.filter(({ outcome }) => outcome !== 'same')
  const parts = [
    `**${headlineOf(diff)}**`,
    ...(policies.length === 0 ? [] : [`Policies\n\n${codeBlock(policyLines(policies))}`]),
    ...(Object.keys(outcomeTitles) as (keyof typeof outcomeTitles)[]).flatMap((outcome) =>
      groupOf(
        outcome,
        changed.filter((one) => one.outcome === outcome),
      ),
    ),
  ]
  const kept: string[] = []
  let room = maxLength - 100
  for (const part of parts) {
    room -= part.length + 2
    if (room < 0) return `${kept.join('\n\n')}\n\nThe rest is too long for a comment.\n`
    kept.push(part)
  }
  return `${kept.join('\n\n')}\n`
}

/** `2 now denied · 1 now allowed · 12 unchanged` */
export function headlineOf({ decisions }: PolicyDiff): string {
  const count = (outcome: Outcome): number =>
    decisions.filter((one) => one.outcome === outcome).length
  const changes = (Object.keys(outcomeTitles) as (keyof typeof outcomeTitles)[]).flatMap(
    (outcome) => (count(outcome) === 0 ? [] : [`${count(outcome)} ${outcomeTitles[outcome]}`]),
  )
  if (decisions.length === 0) return 'no decision was compared'
  return [...changes, `${count('same')} unchanged`].join(' · ')
}

function policyLines(policies: readonly PolicyChange[]): string {
  const lines = policies.map(({ policy, direction, words }) =>
    `${direction.padEnd(9)}  ${policy}: ${words}`.slice(0, 500),
  )
  const left = lines.length - shown
  return [...lines.slice(0, shown), ...(left > 0 ? [`and ${left} more`] : [])].join('\n')
}

function groupOf(
  outcome: keyof typeof outcomeTitles,
  changes: PolicyDiff['decisions'],
): readonly string[] {
  if (changes.length === 0) return []
  const left = changes.length - shown
  const items = changes.slice(0, shown).map(({ artifact, target, reasons, source }) => {
    const codes = [...new Set(reasons.map(({ code }) => code))].slice(0, 8).join(', ')
    const why = codes === '' ? '' : `: ${codes}`
    return `- ${codeSpan(artifact)} in ${codeSpan(target)} (${codeSpan(source)})${why}`
  })
  const more = left > 0 ? [`- and ${left} more`] : []
  const title = `${changes.length} ${outcomeTitles[outcome]}`
  return [
    `<details open><summary>${title}</summary>\n\n${[...items, ...more].join('\n')}\n\n</details>`,
  ]
}
