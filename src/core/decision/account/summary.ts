import { catalogue, escapeLine, type Problem } from '#error'
import { sentenceOf, type Account } from './account.ts'

export interface SummaryOptions {
  /** Where the decision stands in the log; `spooled` while it waits for its place. */
  readonly index?: number | bigint | 'spooled'
  /** How long it may be, in bytes of UTF-8. */
  readonly maxBytes?: number
}

/**
 * A decision in one line, for a webhook's message or a registry's error: the answer, what to fix first and how, and how
 * many more reasons there are. When it is too long the fix is shortened, never the answer's beginning or the record.
 */
export function summaryOf(account: Account, options: SummaryOptions = {}): string {
  const { index, maxBytes = 1000 } = options
  const [first, ...others] = account.problems
  const more =
    others.length === 0 ? '' : `; and ${others.length} more ${plural(others.length, 'reason')}`
  const record =
    index === undefined
      ? ''
      : ` (decision ${index === 'spooled' ? 'waits in the spool for the log' : index})`
  const names = sentenceOf(account, (name) => escapeLine(cutBytes(name, 200)))
  const start = `${account.state}: ${names}${first === undefined ? '' : `: ${told(first)}`}`
  const end = escapeLine(more + record)
  return cutBytes(start, maxBytes - bytesOf(end)) + end
}

function told({ code, expected, found, fix }: Problem): string {
  const short = (text: string): string => cutBytes(text, 250)
  return escapeLine(
    `${code} (${catalogue[code].title}): expected ${short(expected)}; found ${short(found)}; fix: ${fix}`,
  )
}

function bytesOf(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

/** Cut at a whole character, with a mark where it was cut. */
function cutBytes(text: string, max: number): string {
  if (bytesOf(text) <= max) return text
  const mark = '…'
  const bytes = Buffer.from(text, 'utf8').subarray(0, Math.max(0, max - bytesOf(mark)))
  // A character that was cut in two is left out.
  return new TextDecoder('utf-8').decode(bytes).replace(/\ufffd+$/, '') + mark
}

function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}
