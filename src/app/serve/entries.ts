import { parseReview } from '#breakglass'
import type { DecisionList } from '#api'
import { parseJson } from '#document'
import {
  parseAccessReview,
  parseBuild,
  parseBuildRecord,
  parseDeployment,
  parseExternalVerdict,
  parseRefusal,
  recordedDecision,
  type BodyStore,
  type Log,
} from '#log'

/** The newest entries of the log, newest first. Each has been proven to be in the log. */
export async function listEntries(
  log: Pick<Log, 'view'>,
  bodies: BodyStore,
  { before, limit }: { readonly before?: number; readonly limit: number },
): Promise<DecisionList> {
  const view = await log.view()
  const end = Math.min(before ?? view.size, view.size)
  const start = Math.max(0, end - limit)
  const entries: DecisionList['entries'] = []
  for await (const { index, entry } of view.entries(start, end)) {
    entries.push({ entry: index, ...(await bodyOf(entry, index, bodies)) })
  }
  entries.reverse()
  return { size: view.size, entries, ...(start > 0 ? { next: start } : {}) }
}

async function bodyOf(
  entry: Uint8Array,
  index: number,
  bodies: BodyStore,
): Promise<Pick<DecisionList['entries'][number], 'kind' | 'body'>> {
  const refusal = parseRefusal(entry)
  if (refusal !== undefined) return { kind: 'Refusal', body: { ...refusal } }
  const review = parseReview(entry)
  if (review !== undefined) return { kind: 'BreakglassReview', body: { ...review } }
  const build = parseBuild(entry) ?? parseBuildRecord(entry) ?? parseExternalVerdict(entry)
  if (build !== undefined) return { kind: build.kind, body: { ...build } }
  const deployment = parseDeployment(entry)
  if (deployment !== undefined) return { kind: 'Deployment', body: { ...deployment } }
  const access = parseAccessReview(entry)
  if (access !== undefined) return { kind: 'AccessReview', body: { ...access } }
  const bytes = await recordedDecision(entry, bodies)
  const body = parseJson(bytes, { what: `entry ${index} of the log` })
  return { kind: 'Decision', body: body as Record<string, unknown> }
}
