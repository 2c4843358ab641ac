import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openHints } from './hints.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-hints-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const hex = (text: string): string => text.repeat(64).slice(0, 64)
const fail = (error: unknown): never => {
  throw error
}

test('hints are there after a restart, and garbage between them is not', async () => {
  const file = join(dir, 'one/hints')
  const first = await openHints({ file, onError: fail })
  first.add('a/b', hex('1'), [{ sha256: hex('a'), size: 7 }])
  first.add('a/b', hex('2'), [{ sha256: hex('a'), size: 7 }])
  await first.settled()
  appendFileSync(file, `torn ${hex('b')}`)
  const second = await openHints({ file, onError: fail })
  assert.deepEqual(second.of('a/b', hex('a')), [
    { parent: hex('2'), size: 7 },
    { parent: hex('1'), size: 7 },
  ])
  assert.deepEqual(second.of('a/c', hex('a')), [])
  assert.equal(second.size, 1)
})

test('there are never more than are allowed, in memory and in the file', async () => {
  const file = join(dir, 'two/hints')
  const hints = await openHints({ file, maxEntries: 3, onError: fail })
  for (let at = 0; at < 60; at += 1) {
    hints.add('a', hex('1'), [{ sha256: String(at).padStart(64, '0'), size: at }])
  }
  await hints.settled()
  assert.equal(hints.size, 3)
  assert.ok(readFileSync(file, 'utf8').split('\n').length <= 3 * 2 * 4 + 2)
  assert.equal(hints.of('a', '59'.padStart(64, '0'))[0]?.size, 59)
})

test('a file that cannot be written is told, and takes nothing away', async () => {
  const errors: unknown[] = []
  const file = join(dir, 'three/hints')
  const hints = await openHints({ file, onError: (error) => errors.push(error) })
  rmSync(join(dir, 'three'), { recursive: true })
  hints.add('a', hex('1'), [{ sha256: hex('a'), size: 1 }])
  await hints.settled()
  assert.equal(errors.length, 1)
  assert.equal(hints.of('a', hex('a')).length, 1)
})
