import type { Config } from '#config'
import type { BodyStore, LogStorage, SharedLogStore } from '#log'
import { openFileBlobs, openFileLogStorage } from '#store'
import { openDatabase } from './database.ts'

/** The log of a home and what its entries refer to, for reading, wherever they are kept. */
export interface LogReader extends AsyncDisposable {
  readonly storage: LogStorage | SharedLogStore
  readonly bodies: BodyStore
}

/** Needs no key and disturbs no writer. */
export async function openLogReader(config: Config): Promise<LogReader> {
  const { postgres } = config.store
  if (postgres !== undefined) {
    const { log, bodies, close } = await openDatabase(postgres, { connections: 2 })
    return { storage: log, bodies, [Symbol.asyncDispose]: close }
  }
  const storage = openFileLogStorage(config.log.folder)
  return {
    storage,
    bodies: openFileBlobs(config.build.blobs).bodies,
    [Symbol.asyncDispose]: () => storage.close(),
  }
}
