import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RecheckStore } from '#recheck'
import { openPostgresStore, type PostgresOptions } from '#store'
import { recheckStoreContract } from '../../src/recheck/store.case.ts'
import { startCluster, whyNoPostgres, type Cluster } from './cluster.ts'

describe('the turn of replicas to decide again', { skip: whyNoPostgres() ?? false }, () => {
  let cluster: Cluster
  let options: PostgresOptions
  before(async () => {
    cluster = await startCluster()
    options = await cluster.database('rechecks')
  })
  after(() => cluster.stop())

  const open = async (): Promise<RecheckStore> => {
    const { rechecks, close } = await openPostgresStore(options)
    return {
      take: () => rechecks.take(),
      note: () => rechecks.note(),
      keep: (note) => rechecks.keep(note),
      [Symbol.asyncDispose]: close,
    }
  }

  recheckStoreContract('PostgreSQL', open)

  test('who does not answer any more loses the turn after a while, and can note nothing then', async () => {
    await using first = await open()
    await using second = await open()
    assert.equal(await first.take(), true)
    await first.keep(Buffer.from('first'))
    assert.equal(await second.take(), false)
    // As if it had been frozen for so long.
    await cluster.say('rechecks', `UPDATE sallyport.recheck SET until = now() - interval '1 s'`)
    assert.equal(await second.take(), true)
    await second.keep(Buffer.from('second'))
    await first.keep(Buffer.from('late'))
    assert.equal(Buffer.from((await first.note()) ?? []).toString(), 'second')
  })

  test('who does not answer any more loses the turn also when the clock of the database was set back', async () => {
    await using first = await open()
    await using second = await open()
    await cluster.say('rechecks', `UPDATE sallyport.recheck SET until = '-infinity'`)
    assert.equal(await first.take(), true)
    await cluster.say('rechecks', `UPDATE sallyport.recheck SET until = until + interval '1 d'`)
    assert.equal(await second.take(), true)
  })
})
