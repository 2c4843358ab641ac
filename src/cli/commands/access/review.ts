import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import { plural } from '../../render.ts'
import { reviewerText } from '../../reviewer.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

export interface ReviewOptions {
  readonly by?: string
  readonly finding: string
}

/** `sallyport access review`. */
export async function reviewGrants(
  session: Session,
  grants: readonly string[],
  options: ReviewOptions,
): Promise<Outcome> {
  const { reviewAccess } = await import('#app')
  session.terminal.status('recording')
  const config = await session.config()
  const report = await reviewAccess({ ...options, config, grants, now: session.now() })
  const { paint } = session.outLook()
  const rows = [
    ...report.grants.flatMap(({ id, may }) => [['grant', id], ...may.map((deed) => ['', deed])]),
    ['by', reviewerText(report)],
    ['finding', report.finding],
    ['recorded', `entry ${report.entries.join(', ')} of the log`],
  ].map(([label = '', value = '']) => [paint.faint(label), escapeLine(value)])
  const count = report.grants.length
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'AccessReviewReport', ...body },
    text: `sallyport: ${paint.good('reviewed')}: ${count} ${plural(count, 'grant')}\n\n${table(rows, '  ')}`,
  }
}
