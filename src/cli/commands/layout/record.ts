import { escapeJson } from '#error'
import type { Outcome } from '../../outcome.ts'

/** The predicate and nothing else on stdout, for whatever signs it. */
export async function record(options: {
  readonly layout: string
  readonly links: string
}): Promise<Outcome> {
  const { layoutRecord } = await import('#app')
  const predicate = await layoutRecord(options)
  return { exit: 0, json: predicate, text: escapeJson(JSON.stringify(predicate)) }
}
