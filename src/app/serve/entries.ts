import type { DecisionList } from '#api'
import type { BodyStore, Log } from '#log'
import { readEntry } from '../read-entry.ts'

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
    const said = await readEntry(entry, index, bodies)
    entries.push({ entry: index, kind: said.kind, body: { ...said } })
  }
  entries.reverse()
  return { size: view.size, entries, ...(start > 0 ? { next: start } : {}) }
}
