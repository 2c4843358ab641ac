import type { BodyStore, SharedLogStore } from '#log'
import { endClient, openClient, openPool, type PostgresOptions } from './connection.ts'
import { PostgresBodies } from './bodies.ts'
import { PostgresLogStore } from './log-store.ts'
import { migrate } from './migrations.ts'

/** One database: a log that replicas share, and the bodies that its entries refer to. */
export interface PostgresStore {
  readonly log: SharedLogStore
  readonly bodies: BodyStore
  readonly close: () => Promise<void>
}

/**
 * Opens a database, and makes or renews its schema. Rejects with LOG_UNAVAILABLE, LOG_STORE_NEWER, LOG_STORE_UNSAFE.
 */
export async function openPostgresStore(options: PostgresOptions): Promise<PostgresStore> {
  const client = await openClient(options, 'schema', () => undefined)
  try {
    await migrate(client, options)
  } finally {
    await endClient(client)
  }
  const pool = openPool(options)
  const log = new PostgresLogStore(pool, options)
  return {
    log,
    bodies: new PostgresBodies(pool, options),
    close: async () => {
      await log.close()
      await pool.end()
    },
  }
}
