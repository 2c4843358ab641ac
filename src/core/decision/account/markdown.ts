import { catalogue, escape, escapeLine, type Problem } from '#error'
import type { Account, RuleLine } from './account.ts'
import { sentenceOf } from './account.ts'

export interface MarkdownOptions {
  /** Where the decision stands in the log. */
  readonly index?: number | bigint
  /** How long it may be, in characters; forges cut or refuse comments beyond 65,536. */
  readonly maxLength?: number
}

/** A value that somebody wrote is cut there: an excerpt shows what it is. */
const maxField = 1500
const defaultLength = 60_000

/**
 * A decision as Markdown, for a comment on a pull request or a job summary. Every text that somebody else may have chosen
 * stands in a code span or a fenced block: there is no Markdown, HTML, link, mention or reference in those, and their ends
 * cannot be written from within. It is bounded: what does not fit is counted.
 */
export function markdownOf(account: Account, options: MarkdownOptions = {}): string {
  const { index, maxLength = defaultLength } = options
  const head = `**${account.state}**: ${sentenceOf(account, codeSpan)}`
  const foot = footer(account, index)
  const alarm = account.alarm.map((line) => `> ${codeSpan(line)}`).join('\n>\n')
  const room = maxLength - head.length - alarm.length - foot.length - 200
  const reasons = fitting(account.problems.map(reason), room, 'reason')
  const left = room - reasons.length
  const rules = account.rules.length === 0 ? '' : details(account.rules, left)
  return `${[head, alarm, reasons, rules, foot].filter((part) => part !== '').join('\n\n')}\n`
}

/** A text of one line as a code span, whatever is in it. */
export function codeSpan(text: string): string {
  const line = escapeLine(cut(text, 300))
  const fence = '`'.repeat(longestRun(line) + 1)
  // One space on each side is not shown, and keeps a text that begins with a backtick apart from the fence.
  return line === '' ? '(empty)' : `${fence} ${line} ${fence}`
}

/** A text as a fenced block, whatever is in it. */
export function codeBlock(text: string): string {
  const safe = escape(text)
  const fence = '`'.repeat(Math.max(3, longestRun(safe) + 1))
  return `${fence}text\n${safe}\n${fence}`
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length))
}

function reason({ code, where, expected, found, fix }: Problem): string {
  const fields = Object.entries({ where, expected, found, fix }).flatMap(([name, text]) =>
    text === undefined ? [] : [`${name.padEnd(8)}  ${inLines(cut(text, maxField))}`],
  )
  return `**${code}**: ${catalogue[code].title}\n\n${codeBlock(fields.join('\n'))}`
}

/** Lines that need no scrolling; a later line stands under the first. */
function inLines(text: string): string {
  const lines = escape(text)
    .split(/\s+/)
    .reduce<string[]>((made, word) => {
      const last = made.at(-1)
      if (last === undefined || last.length + word.length > 90) return [...made, word]
      return [...made.slice(0, -1), `${last} ${word}`]
    }, [])
  return lines.join(`\n${' '.repeat(10)}`)
}

function details(rules: readonly RuleLine[], room: number): string {
  const width = Math.min(60, Math.max(...rules.map(({ word }) => word.length)))
  const lines = rules.map(({ id, word, witness }) =>
    escapeLine(`${word.padEnd(width)}  ${id}${witness === '' ? '' : `  ${cut(witness, 300)}`}`),
  )
  const kept = cut(lines.join('\n'), Math.max(0, room - 200))
  const count = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`
  return `<details><summary>${count}</summary>\n\n${codeBlock(kept)}\n\n</details>`
}

function footer({ totals }: Account, index: MarkdownOptions['index']): string {
  const record = index === undefined ? [] : [`decision ${index} in the log`]
  return [...totals.map(escapeLine), ...record].join(' · ')
}

/** As many as there is room for; the others are counted. */
function fitting(parts: readonly string[], room: number, noun: string): string {
  const kept: string[] = []
  let used = 0
  for (const part of parts) {
    used += part.length + 2
    if (used > room) break
    kept.push(part)
  }
  const left = parts.length - kept.length
  const more = `and ${left} more ${left === 1 ? noun : `${noun}s`}, which the log has`
  return [...kept, ...(left === 0 ? [] : [more])].join('\n\n')
}

function cut(text: string, max: number): string {
  return text.length <= max ? text : `${text.slice(0, max).toWellFormed()}…`
}
