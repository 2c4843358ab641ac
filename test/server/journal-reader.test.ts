import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { test } from 'node:test'
import { admission, call, makeHome, readiness, review, startOutside, until } from './gate.ts'

test('a gate whose journal nobody reads any more goes on, and says so', async (t) => {
  const home = await makeHome('\n')
  t.after(() => home.close())
  const gate = await startOutside(home)
  const body = review(home.image(home.approve()))
  assert.equal((await admission(gate.address, body)).allowed, true)
  for (const stream of [gate.child.stdout, gate.child.stderr]) {
    const closed = stream === null ? undefined : once(stream, 'close')
    stream?.destroy()
    await closed
  }
  // A push that is refused is told in the journal.
  appendFileSync(`${home.folder}/trust.yaml`, '\nnonsense: [')
  await until('a line that was lost', async () => {
    return (await readiness(gate.address)).text.includes('JOURNAL_UNREAD')
  })
  assert.equal((await admission(gate.address, body)).allowed, true)
  const metrics = await call(gate.address, '/metrics', { as: 'operator' })
  assert.match(await metrics.text(), /sallyport_journal_lost_lines [1-9]/)
  gate.child.kill('SIGTERM')
  const [code] = (await once(gate.child, 'exit')) as [number | null]
  assert.equal(code, 0)
})
