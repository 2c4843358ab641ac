import type { LayoutVerifyReport } from '#app'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural, renderProblems, type Look } from '../../render.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

export interface VerifyOptions {
  readonly layout: string
  readonly key: readonly string[]
  readonly links: string
  readonly product?: string
  readonly parameter: Readonly<Record<string, string>>
  readonly runInspections: boolean
}

/** 0 when all holds, 1 when something does not, 3 when inspections would have to be run first. */
export async function verify(session: Session, options: VerifyOptions): Promise<Outcome> {
  const { layoutVerify } = await import('#app')
  const { layout, key, links, product, parameter, runInspections } = options
  const parameters = new Map(Object.entries(parameter))
  const report = await layoutVerify({
    layout,
    keys: key,
    links,
    runInspections,
    now: session.now(),
    ...(product === undefined ? {} : { product }),
    ...(parameters.size === 0 ? {} : { parameters }),
  })
  const { verdict, steps, inspections, problems, warnings } = report
  const json = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'LayoutReport',
    verdict,
    steps: steps.map(({ name, functionaries }) => ({ name, functionaries })),
    inspections,
    problems: problems.map((problem) => ({ ...problem })),
    warnings: warnings.map((problem) => ({ ...problem })),
  }
  if (verdict === 'verified') return { exit: 0, json, text: good(report, session.outLook()) }
  return { exit: verdict === 'unknown' ? 3 : 1, json, refusal: bad(report, session.errLook()) }
}

function good(report: LayoutVerifyReport, look: Look): string {
  const { steps, inspections, warnings } = report
  const { paint } = look
  const rows = steps.map(({ name, functionaries }) => [
    paint.good('done'),
    escapeLine(name),
    paint.faint(functionaries.map((id) => escapeLine(id.slice(0, 16))).join(', ')),
  ])
  const ran = inspections.map((name) => [paint.good('inspected'), escapeLine(name)])
  const count = `${steps.length} ${plural(steps.length, 'step')}`
  const head = `sallyport: ${paint.good('verified')}: made as its owner laid out, in ${count}`
  const told = warnings.length === 0 ? [] : [renderProblems(warnings, look, 'warning')]
  return [head, table([...rows, ...ran], '  '), ...told].join('\n\n')
}

function bad({ verdict, problems, warnings }: LayoutVerifyReport, look: Look): string {
  const { paint } = look
  const head =
    verdict === 'unknown'
      ? `sallyport: ${paint.warn('unknown')}: all that can be told without running something holds`
      : `sallyport: ${paint.bad('refused')}: not made as its owner laid out`
  const told = warnings.length === 0 ? [] : [renderProblems(warnings, look, 'warning')]
  return [head, renderProblems(problems, look), ...told].join('\n\n')
}
