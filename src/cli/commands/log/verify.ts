import type { LogVerifyReport } from '#app'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { spooledLine } from './spooled.ts'

/** `sallyport log verify`: 0 when the log is whole, 1 when it is not, 3 when that could not be told. */
export async function verifyLog(
  session: Session,
  options: { readonly earlier: readonly string[]; readonly witnesses: boolean },
): Promise<Outcome> {
  const { logVerify } = await import('#app')
  session.terminal.status('verifying the log')
  const report = await logVerify(await session.config(), options)
  const json = { apiVersion: 'sallyport.dev/v1', kind: 'LogReport', ...asJson(report) }
  return report.ok
    ? { exit: 0, json, text: whole(report, session.outLook()) }
    : { exit: exitOf(report), json, refusal: broken(report, session.errLook()) }
}

/** A witness that does not answer says nothing about the log. */
function exitOf({ problems }: LogVerifyReport): 1 | 3 {
  const silent = ['WITNESS_UNREACHABLE', 'WITNESS_REFUSED']
  return problems.every(({ code }) => silent.includes(code)) ? 3 : 1
}

function asJson({ signatures, problems, evidence, witnesses, spooled, ...rest }: LogVerifyReport) {
  return {
    ...rest,
    ...(spooled.entries === 0 ? {} : { spooled: spooled.entries }),
    evidence: [...evidence],
    ...(witnesses === undefined ? {} : { witnesses: [...witnesses] }),
    signatures: signatures.map(({ key, time }) => ({
      name: key.name,
      type: key.type,
      ...(time === undefined ? {} : { time }),
    })),
    problems: problems.map((problem) => ({ ...problem })),
  }
}

function whole(report: LogVerifyReport, { paint }: Look): string {
  const { origin, size, root, signatures, earlier, remembered, witnesses } = report
  const entries = `${size} ${size === 1 ? 'entry' : 'entries'}`
  const spooled = spooledLine(report.spooled)
  const memory = remembered ? 'it is the newest its signer remembers' : 'its signer was not asked'
  return [
    `sallyport: ${paint.good('whole')}: the log ${origin} has ${entries}, each as it was recorded`,
    '',
    `  root ${root}`,
    `  ${signatures.length} ${plural(signatures.length, 'signature')} · ${memory} · ${earlier} earlier ${plural(earlier, 'checkpoint')} in it`,
    ...(witnesses === undefined ? [] : [`  ${heldBy(witnesses)}`]),
    ...(spooled === undefined ? [] : [`  ${spooled}`]),
  ].join('\n')
}

function heldBy(witnesses: readonly string[]): string {
  if (witnesses.length === 0) return 'no witness holds a checkpoint of it yet'
  return `what ${witnesses.join(', ')} ${witnesses.length === 1 ? 'holds' : 'hold'} is in it`
}

function broken(report: LogVerifyReport, look: Look): string {
  const { origin, problems, evidence } = report
  const head =
    exitOf(report) === 3
      ? `sallyport: ${look.paint.bad('undetermined')}: the log ${origin} is whole, but not all witnesses could be asked`
      : `sallyport: ${look.paint.bad('broken')}: the log ${origin} is not what was signed`
  const proof = evidence.map((file) => `\nevidence: both signed checkpoints are in ${file}`)
  return `${head}\n\n${renderProblems(problems, look)}${proof.join('')}`
}
