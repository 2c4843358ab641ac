import { hash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { quote, SallyportError } from '#error'
import type { Log } from '../log.ts'
import { damaged } from '../refusals.ts'
import type { KnownEntry, SharedLogStore, SubmittedEntry } from './ports.ts'

/** Where entries are recorded that may have been recorded before. */
export interface RecordOnceOptions {
  /** Looked at first: an old copy of the store, or another history, gets nothing. */
  readonly log: Pick<Log, 'view' | 'origin'>
  readonly store: Pick<SharedLogStore, 'known' | 'submit'>
  /** How long they may wait for their places. */
  readonly waitMs: number
}

const pollMs = 20

/**
 * Records entries, in ascending order of their ids. One whose id was submitted before is not submitted again, so this can be
 * repeated whatever became of it the last time. Resolves with their indexes when all are in the log.
 *
 * @throws SallyportError LOG_UNAVAILABLE and the refusals of `log.view`; LOG_CORRUPT when an id has another entry
 */
export async function recordOnce(
  entries: readonly SubmittedEntry[],
  { log, store, waitMs }: RecordOnceOptions,
): Promise<readonly number[]> {
  await log.view()
  const ids = entries.map(({ id }) => id)
  const until = performance.now() + waitMs
  let known = await store.known(ids)
  const missing = entries.filter(({ id }) => !known.some((one) => one.id === id))
  if (missing.length > 0) await store.submit(missing)
  for (;;) {
    known = await store.known(ids)
    const indexes = indexesOf(entries, known)
    if (indexes !== undefined) return indexes
    if (performance.now() > until) throw late(log.origin, waitMs)
    await sleep(pollMs)
  }
}

/** Undefined while not all have one. */
function indexesOf(
  entries: readonly SubmittedEntry[],
  known: readonly KnownEntry[],
): readonly number[] | undefined {
  const byId = new Map(known.map((one) => [one.id, one]))
  const indexes = entries.map(({ id, entry }) => {
    const found = byId.get(id)
    const sha256 = hash('sha256', entry)
    if (found !== undefined && found.sha256 !== sha256)
      throw damaged(`the entry with id ${id}`, `SHA-256 ${sha256}`, found.sha256)
    return found?.index
  })
  return indexes.every((index) => index !== undefined) ? indexes : undefined
}

function late(origin: string, waitMs: number): SallyportError {
  return new SallyportError({
    code: 'LOG_UNAVAILABLE',
    where: `log ${quote(origin)}`,
    expected: `places in the log within ${waitMs} ms`,
    found: 'no replica that sequences',
    fix: 'Start a replica with the keys of the log',
  })
}
