import type { ReplayReport } from '#app'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'

/** `sallyport log replay [index]`: 0 when every decision comes out the same, byte for byte, else 1. */
export async function replay(session: Session, index: number | undefined): Promise<Outcome> {
  const { logReplay } = await import('#app')
  const reports = await logReplay(await session.config(), {
    ...(index === undefined ? {} : { index }),
    onProgress: session.terminal.status,
  })
  const same = reports.every((report) => report.same)
  const json = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'ReplayReport',
    same,
    replays: reports.map((report) => ({
      ...report,
      problems: report.problems.map((problem) => ({ ...problem })),
    })),
  }
  return same
    ? { exit: 0, json, text: alike(reports, session.outLook()) }
    : { exit: 1, json, refusal: different(reports, session.errLook()) }
}

function alike(reports: readonly ReplayReport[], { paint }: Look): string {
  const count = `${reports.length} ${plural(reports.length, 'decision')}`
  return `sallyport: ${paint.good('same')}: ${count} made again from the log alone, byte for byte as recorded`
}

function different(reports: readonly ReplayReport[], look: Look): string {
  const changed = reports.filter(({ same }) => !same)
  const count = `${changed.length} of ${reports.length} ${plural(reports.length, 'decision')}`
  const head = `sallyport: ${look.paint.bad('different')}: ${count} would not be made as recorded`
  const problems = changed.flatMap((report) => report.problems)
  return `${head}\n\n${renderProblems(problems, look)}`
}
