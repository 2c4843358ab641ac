import type { LogVerifyReport } from '#app'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'

/** `sallyport log verify`: 0 when the log is whole, 1 when it is not, 3 when that could not be told. */
export async function verifyLog(
  session: Session,
  options: { readonly earlier: readonly string[] },
): Promise<Outcome> {
  const { logVerify } = await import('#app')
  session.terminal.status('verifying the log')
  const report = await logVerify(await session.config(), options)
  const json = { apiVersion: 'sallyport.dev/v1', kind: 'LogReport', ...asJson(report) }
  return report.ok
    ? { exit: 0, json, text: whole(report, session.outLook()) }
    : { exit: 1, json, refusal: broken(report, session.errLook()) }
}

function asJson({ signatures, problems, ...rest }: LogVerifyReport) {
  return {
    ...rest,
    signatures: signatures.map(({ key, time }) => ({
      name: key.name,
      type: key.type,
      ...(time === undefined ? {} : { time }),
    })),
    problems: problems.map((problem) => ({ ...problem })),
  }
}

function whole(report: LogVerifyReport, { paint }: Look): string {
  const { origin, size, root, signatures, earlier, remembered } = report
  const entries = `${size} ${plural(size, 'decision')}`
  const memory = remembered ? 'it is the newest its signer remembers' : 'its signer was not asked'
  return [
    `sallyport: ${paint.good('whole')}: the log ${origin} has ${entries}, each as it was recorded`,
    '',
    `  root ${root}`,
    `  ${signatures.length} ${plural(signatures.length, 'signature')} · ${memory} · ${earlier} earlier ${plural(earlier, 'checkpoint')} in it`,
  ].join('\n')
}

function broken(report: LogVerifyReport, look: Look): string {
  const { origin, problems } = report
  const head = `sallyport: ${look.paint.bad('broken')}: the log ${origin} is not what was signed`
  return `${head}\n\n${renderProblems(problems, look)}`
}
