import { accountOf, sentenceOf, type Account, type Decision, type RuleLine } from '#decision'
import { escape, escapeLine } from './escape.ts'
import { localise } from './invocation.ts'
import { highlight, renderProblems, type Look } from './render.ts'
import { renderSubject, type Subject } from './render-artifact.ts'
import { words } from './words.ts'
import { wrap } from './wrap.ts'

export interface Recorded {
  /** Where the decision stands in the log. */
  readonly index: number | bigint
  /** What was asked about, where more can be said of it than its name. */
  readonly subject?: Subject
}

/** How a decision looks in a terminal: the answer, every reason with its fix or every rule with its facts, and the record. */
export function renderDecision(decision: Decision, look: Look, recorded?: Recorded): string {
  const account = accountOf(decision)
  const parts = [
    answer(account, look),
    account.alarm.map((line) => `  ${look.paint.warn('!')} ${words(line)}`).join('\n'),
    recorded?.subject === undefined ? '' : renderSubject(recorded.subject, look),
    ...body(account, look),
    footer(account, look, recorded),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

/** What is exempted is shown beside every answer: somebody chose it, and answers for it. */
function body(account: Account, look: Look): readonly string[] {
  if (account.problems.length === 0) return [rules(account.rules, look)]
  const exempted = account.rules.filter(({ verdict }) => verdict === 'EXEMPTED')
  return [renderProblems(account.problems, look, account.severity), rules(exempted, look)]
}

/** `sallyport: denied: app.tgz may not run in production/shop` */
export function headline(decision: Decision, look: Look): string {
  return answer(accountOf(decision), look)
}

function answer(account: Account, { paint }: Look): string {
  return `sallyport: ${paint[account.tone](account.state)}: ${sentenceOf(account, escapeLine)}`
}

function rules(lines: readonly RuleLine[], look: Look): string {
  const { paint } = look
  const width = Math.max(0, ...lines.map(({ id }) => id.length))
  const widest = Math.max(0, ...lines.map(({ word }) => word.length))
  return lines
    .map(({ id, verdict, word, witness }) => {
      const state = verdict === 'PASS' ? paint.good(word) : paint.warn(word)
      const gap = ' '.repeat(widest - word.length)
      const text = wrap(escapeLine(witness), look.width, width + widest + 6)
      return `  ${state}${gap}  ${escapeLine(id.padEnd(width))}  ${paint.faint(text)}`
    })
    .join('\n')
}

function footer({ totals }: Account, look: Look, recorded: Recorded | undefined): string {
  const parts = [...totals, ...(recorded === undefined ? [] : [receipt(recorded, look)])]
  return highlight(escape(parts.join(' · ')), look.paint)
}

function receipt({ index }: Recorded, look: Look): string {
  const command = localise(`\`sallyport log receipt ${index}\``, look.invocation)
  return `decision ${index} in the log (receipt: ${command.slice(1, -1)})`
}
