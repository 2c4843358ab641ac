import type { JsonObject } from '#document'
import { escapeLine } from '../../escape.ts'
import type { Outcome } from '../../outcome.ts'
import type { Session } from '../../session.ts'
import { table } from '../../table.ts'

/** What a person is told, line by line. */
export type Rows = readonly (readonly [label: string, text: string])[]

/** What was done, in words and as a document of that kind. */
export function outcome(
  session: Session,
  kind: string,
  report: object,
  head: string,
  rows: Rows,
): Outcome {
  const { paint } = session.outLook()
  const lines = rows.map(([label, value]) => [paint.faint(label), escapeLine(value)])
  return {
    exit: 0,
    json: jsonOf(kind, report),
    text: [`sallyport: ${escapeLine(head)}`, table(lines, '  ')]
      .filter((part) => part !== '')
      .join('\n\n'),
  }
}

export function jsonOf(kind: string, report: object): JsonObject {
  const body = JSON.parse(JSON.stringify(report)) as JsonObject
  return { apiVersion: 'sallyport.dev/v1', kind, ...body }
}
