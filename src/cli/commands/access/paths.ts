import type { AccessPath } from '#app'
import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

/** `sallyport access paths`. */
export async function listPaths(
  session: Session,
  { exitCode }: { readonly exitCode: boolean },
): Promise<Outcome> {
  const { accessPaths } = await import('#app')
  const report = await accessPaths(await session.config())
  const hasFindings = report.paths.some(({ findings }) => findings.length > 0)
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: exitCode && hasFindings ? 1 : 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'AccessPathsReport', ...body },
    text: textOf(report.paths, session.outLook()),
  }
}

function textOf(paths: readonly AccessPath[], look: Look): string {
  const { paint } = look
  const rows = paths.map(({ name, direction, address, proof, protection, findings }) => [
    findings.length === 0 ? paint.good('ok') : paint.bad('weak'),
    direction,
    name,
    escapeLine(address),
    protection,
    escapeLine(proof),
  ])
  const problems = paths.flatMap(({ findings }) => findings)
  const bad = paths.filter(({ findings }) => findings.length > 0).length
  const count = `${paths.length} ${plural(paths.length, 'path')}`
  const verdict =
    bad === 0
      ? paint.good(`nothing to do about ${count}`)
      : `${paint.bad(`something to do about ${bad}`)} of ${count}`
  return [
    table(rows),
    ...(problems.length === 0 ? [] : [renderProblems(problems, look)]),
    `sallyport: ${verdict}`,
  ].join('\n\n')
}
