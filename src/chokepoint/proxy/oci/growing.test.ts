import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { Growing } from './growing.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-growing-'))
after(() => rmSync(dir, { recursive: true, force: true }))
const fail = (error: unknown): never => {
  throw error
}

async function grow(name: string) {
  const file = await open(join(dir, name), 'wx+')
  return { file, growing: new Growing(file, fail) }
}

async function read(growing: Growing): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of growing.read()) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

test('whoever comes, early or late, reads from the beginning to the end', async () => {
  const { file, growing } = await grow('all')
  const early = read(growing)
  await growing.write(Buffer.from('a'.repeat(100_000)))
  const later = read(growing)
  await growing.write(Buffer.from('b'.repeat(100_004)))
  await growing.end('whole')
  const whole = 'a'.repeat(100_000) + 'b'.repeat(100_004)
  assert.ok((await early) === whole && (await later) === whole)
  assert.equal(file.fd, -1)
  assert.equal(growing.isCut, false)
  assert.equal(await read(growing), '')
})

test('what comes is read as soon as it is there', async () => {
  const { growing } = await grow('soon')
  const reading = growing.read()
  for (const text of ['a', 'b']) {
    const next = reading.next()
    await setImmediate()
    await growing.write(Buffer.from(text))
    assert.equal(Buffer.from((await next).value ?? '').toString(), text)
  }
  await growing.end('whole')
})

test('nobody has read all before it is said that it is all', async () => {
  const { growing } = await grow('end')
  await growing.write(Buffer.from('all'))
  const reading = growing.read()
  await reading.next()
  const last = reading.next()
  assert.equal(await Promise.race([last, setImmediate('waits')]), 'waits')
  await growing.end('whole')
  assert.equal((await last).done, true)
})

test('of what is cut everybody reads what there was, and the last closes the file', async () => {
  const { file, growing } = await grow('cut')
  await growing.write(Buffer.from('some'))
  const waiting = read(growing)
  const slow = growing.read()
  assert.equal(Buffer.from((await slow.next()).value ?? '').toString(), 'some')
  await growing.end('cut')
  assert.equal(await waiting, 'some')
  assert.equal(growing.isCut, true)
  assert.notEqual(file.fd, -1)
  assert.equal((await slow.next()).done, true)
  assert.equal(file.fd, -1)
})

test('a disk that cannot be read is told, and what it has is nothing', async () => {
  const file = await open(join(dir, 'unread'), 'wx')
  const errors: unknown[] = []
  const growing = new Growing(file, (error) => errors.push(error))
  await growing.write(Buffer.from('some'))
  assert.equal(await read(growing), '')
  assert.match(String(errors[0]), /EBADF/)
  await growing.end('whole')
})
