import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { Config } from '#config'
import { openLog } from '#log'
import { MemoryDisk } from '../../log/testing/memory-storage.ts'
import { RememberingSigner, VolatileMemory } from '../../log/testing/remembering-signer.ts'
import { giveReceipts } from './receipts.ts'

/** A gate that does not know of what `log` appends, as a replica does not at first. */
async function replica() {
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  const storage = new MemoryDisk().open()
  const log = await openLog({ storage, signer })
  const { origin } = log
  const { verifierKeys } = signer
  const config = { log: { origin, verifierKeys } } as unknown as Config
  const give = giveReceipts({ config, storage, size: () => 0, witnessing: {} as never })
  return { log, give }
}

test('an entry that another replica has just answered is waited for, if whoever asks waits at all', async () => {
  const { log, give } = await replica()
  await assert.rejects(give(0), { code: 'LOG_ENTRY_UNKNOWN' })
  const asked = give(0, { state: 'published', ms: 20_000 })
  await wait(100)
  await log.append(Buffer.from('{}'))
  await log.view()
  assert.equal((await asked).state, 'published')
  assert.equal((await give(0)).state, 'published')
})

test('an entry that nobody has ever answered is not waited for as long as they like', async () => {
  const { give } = await replica()
  const begun = performance.now()
  await assert.rejects(give(7, { state: 'published', ms: 20_000 }), { code: 'LOG_ENTRY_UNKNOWN' })
  assert.ok(performance.now() - begun < 10_000)
})
