import { catalogue, type Problem } from '#error'
import { escape, escapeLine } from './escape.ts'
import { localise, localisePaths, type Invocation } from './invocation.ts'
import type { Paint } from './paint.ts'
import { wrap } from './wrap.ts'

/** How texts are to look at one place. */
export interface Look {
  readonly paint: Paint
  readonly invocation: Invocation
  readonly width?: number | undefined
}

/** A warning is a problem in spite of which something was done; a note is worth knowing. */
export type Severity = 'error' | 'warning' | 'note'

/**
 * The one way a problem is shown: what, where, what was wanted, what was there, what to do. `excerpt` are lines of the
 * file it is in.
 */
export function renderProblem(
  problem: Problem,
  look: Look,
  severity: Severity = 'error',
  excerpt: readonly string[] = [],
): string {
  const { paint } = look
  const mark = { error: paint.bad, warning: paint.warn, note: paint.strong }[severity]
  const title = uncapitalise(catalogue[problem.code].title)
  const lines = [`${mark(`${severity}[${problem.code}]`)}: ${paint.strong(title)}`]
  const here = (text: string): string => localisePaths(text, look.invocation)
  if (problem.where !== undefined) {
    const where = here(problem.where)
    lines.push(`  ${paint.faint('-->')} ${escapeLine(where)}`)
  }
  const fix = sentence(here(localise(problem.fix, look.invocation)))
  lines.push(
    ...excerpt,
    field('expected', escape(here(problem.expected)), look),
    field('found', escape(here(problem.found)), look),
    field('fix', highlight(escape(fix), paint), look),
  )
  return lines.join('\n')
}

/** Several problems, a blank line between them. */
export function renderProblems(
  problems: readonly Problem[],
  look: Look,
  severity: 'error' | 'warning' = 'error',
): string {
  return problems.map((problem) => renderProblem(problem, look, severity)).join('\n\n')
}

/** A named line under a heading; a longer text continues under itself. */
export function field(name: string, text: string, look: Look): string {
  const label = name.padEnd(8)
  return `  ${look.paint.faint(label)}  ${wrap(text, look.width, 12)}`
}

/** Shows the commands in a text as commands. */
export function highlight(text: string, paint: Paint): string {
  return text.replace(/`[^`\n]+`/g, (command) => paint.command(command))
}

/** No capital at the start, unless the word is written so anyway (SLSA, Node.js' names, types). */
export function uncapitalise(text: string): string {
  return /^\p{Lu}(?:\p{Ll}|\s)/u.test(text) && !/^\p{Lu}\p{Ll}*\p{Lu}/u.test(text)
    ? text.charAt(0).toLowerCase() + text.slice(1)
    : text
}

/** No capital, no full stop. */
function sentence(text: string): string {
  return uncapitalise(text).replace(/\.$/, '')
}

/** `1 rule`, `2 rules`. */
export function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}
