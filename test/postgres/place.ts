import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { openSharedLog, type Log, type OpenSharedLogOptions } from '#log'
import { parseVerifierKey } from '#merkle'
import { openPostgresStore, type PostgresOptions, type PostgresStore } from '#store'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import type { Cluster } from './cluster.ts'

/** A log in a database of its own. */
export interface Place {
  readonly options: PostgresOptions
  readonly store: PostgresStore
  /** The file that the signers of this place remember in. */
  readonly memory: string
  /** Lets go of `store`: nobody may be connected to a database that is copied. */
  readonly release: () => Promise<void>
  /** One more replica. */
  readonly open: (
    options?: Partial<OpenSharedLogOptions> & { readonly memory?: string },
  ) => Promise<Log>
}

let databases = 0

export async function makePlace(
  t: TestContext,
  cluster: Cluster,
  more: Partial<PostgresOptions> = {},
): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-shared-'))
  const options = await cluster.database(`log_${process.pid}_${databases++}`, more)
  const store = await openPostgresStore(options)
  const logs: Log[] = []
  const stores = [store]
  t.after(async () => {
    await Promise.all(logs.map((log) => log.close()))
    await Promise.all(stores.map((one) => one.close()))
    rmSync(folder, { recursive: true, force: true })
  })
  const memory = join(folder, 'memory')
  return {
    options,
    store,
    memory,
    release: async () => {
      stores.splice(stores.indexOf(store), 1)
      await store.close()
    },
    open: async ({ memory: file = memory, ...given } = {}) => {
      const own = await openPostgresStore(options)
      stores.push(own)
      const signer = new RememberingSigner(fileMemory(file), 1)
      const { origin, verifierKeys } = signer
      const log = await openSharedLog({ store: own.log, origin, verifierKeys, signer, ...given })
      logs.push(log)
      return log
    },
  }
}

export function testIdentity() {
  const { origin, verifierKeys } = new RememberingSigner(fileMemory('/nowhere'), 1)
  return { origin, verifierKeys: verifierKeys.map(parseVerifierKey) }
}
