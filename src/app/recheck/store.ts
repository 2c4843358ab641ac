import { join } from 'node:path'
import type { Config } from '#config'
import type { RecheckStore } from '#recheck'
import { openFileRecheckStore } from '#store'
import { openDatabase } from '../database.ts'

/** Where those who share a log agree on who decides again: in its database, or beside the alarms of the home. */
export async function openRecheckStore({ store, alarms }: Config): Promise<RecheckStore> {
  if (store.postgres === undefined) return openFileRecheckStore(join(alarms.folder, 'recheck'))
  const { rechecks, close } = await openDatabase(store.postgres, { connections: 1 })
  return {
    take: () => rechecks.take(),
    note: () => rechecks.note(),
    keep: (note) => rechecks.keep(note),
    [Symbol.asyncDispose]: close,
  }
}
