import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecheckStore } from './ports.ts'

/** What every store of rechecks promises. `open` opens the same one again, as another process would. */
export function recheckStoreContract(name: string, open: () => Promise<RecheckStore>): void {
  test(`${name}: one has the turn at a time, keeps it, and gives it free`, async () => {
    const first = await open()
    const second = await open()
    assert.equal(await first.take(), true)
    assert.equal(await second.take(), false)
    assert.equal(await first.take(), true)
    await first[Symbol.asyncDispose]()
    assert.equal(await second.take(), true)
    await second[Symbol.asyncDispose]()
  })

  test(`${name}: a note is kept by who has the turn and by nobody else, and read by all`, async () => {
    await using first = await open()
    await using second = await open()
    assert.equal(await first.take(), true)
    await first.keep(Buffer.from('one'))
    await second.keep(Buffer.from('two'))
    assert.equal(Buffer.from((await second.note()) ?? []).toString(), 'one')
    await first.keep(Buffer.alloc(3_000_000, 7))
    assert.equal((await second.note())?.length, 3_000_000)
  })
}
