import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '#config'
import { openWitnessed } from '#log'
import { openFileCheckpoints } from '#store'
import { identityOf, readPolicy } from './policy.ts'

/** The newest checkpoint that the gate has had cosigned by what is a quorum by the policy of now. */
export async function newestWitnessed(config: Config): Promise<string | undefined> {
  const { witnesses } = config.log
  if (witnesses === undefined || !existsSync(join(witnesses.folder, 'checkpoints.db')))
    return undefined
  const store = openFileCheckpoints(witnesses.folder, { durable: false })
  try {
    const note = await store.newest(config.log.origin)
    if (note === undefined) return undefined
    const policy = await readPolicy(config, witnesses)
    const log = identityOf(config)
    return openWitnessed(note, { log, links: policy.witnesses, quorum: policy.quorum })?.note
  } finally {
    store.close()
  }
}
