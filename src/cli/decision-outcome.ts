import type { VerifyReport } from '#app'
import type { JsonObject } from '#document'
import { jsonText } from './json-text.ts'
import type { Outcome } from './outcome.ts'
import { renderDecision } from './render-decision.ts'
import type { Session } from './session.ts'

/** What a decision is to the person who asked: on stdout when it lets the artifact in, on stderr when not. */
export function decisionOutcome(report: VerifyReport, session: Session): Outcome {
  const { decision, receipt, exit, paths } = report
  const { artifact, places, unheard } = report
  const note = unheard === 0 ? '' : unheardNote(unheard, session)
  const recorded = { index: receipt.index, subject: { artifact, places } }
  const json: JsonObject = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'VerifyReport',
    exit,
    artifact: JSON.parse(JSON.stringify(artifact)) as JsonObject,
    decision: JSON.parse(JSON.stringify(decision)) as JsonObject,
    receipt: { index: receipt.index, checkpoint: receipt.checkpoint },
  }
  return exit === 0
    ? { exit, json, text: `${renderDecision(decision, session.outLook(paths), recorded)}${note}` }
    : { exit, json, refusal: renderDecision(decision, session.errLook(paths), recorded) }
}

function unheardNote(count: number, session: Session): string {
  const alarms = count === 1 ? '1 alarm waits' : `${count} alarms wait`
  return `\n${session.outLook().paint.warn('!')} ${alarms} to be heard: see \`sallyport breakglass list\``
}

/** A decision for a comment or a job summary: on stdout whatever it is, so that it can be piped. */
export async function markdownOutcome(report: VerifyReport, session: Session): Promise<Outcome> {
  const { accountOf, markdownOf } = await import('#decision')
  const { decision, receipt } = report
  const text = markdownOf(accountOf(decision), { index: receipt.index }).trimEnd()
  const { exit, json } = decisionOutcome(report, session)
  return { exit, json, text }
}

/** The reasons of a decision, at the lines of the policy that ask for what is missing; on stdout whatever they are. */
export async function sarifOutcome(report: VerifyReport, session: Session): Promise<Outcome> {
  const [{ accountOf }, { toSarif }] = await Promise.all([import('#decision'), import('#policy')])
  const { severity, problems } = accountOf(report.decision)
  const findings = problems.map((problem) => ({ ...problem, severity }))
  const log = toSarif(findings, { version: report.decision.engine.version })
  const { exit, json } = decisionOutcome(report, session)
  return { exit, json, text: jsonText(log) }
}
