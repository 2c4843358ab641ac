import assert from 'node:assert/strict'
import { test } from 'node:test'
import { message, ready, startFakeDatabase } from '../testing/fake-database.ts'
import { ask, endClient, openClient, openPool, run } from './connection.ts'
import { openFrames } from './frames.ts'

const soon = { timeout: 20_000 }
const many = Buffer.from([0x03, 0xe8])
const garbage: Readonly<Record<string, Buffer>> = {
  'a row description that ends too early': message('T', many),
  'a row that ends too early': message('D', many),
  'parameters that end too early': message('t', many),
  'no length': message('C', '', 0),
  'a negative length': message('C', '', -5),
  'a length of two gigabytes': message('D', '', 0x7fffffff),
  'another question who it is': message('R', Buffer.from([0, 0, 0, 99])),
  'an error without an end': message('E', 'SERROR'),
  'an error whose last text has an end, and it none': message('E', 'SERROR\0'),
  'a notice without an end': message('N', 'S'),
}

for (const [what, bytes] of Object.entries(garbage)) {
  test(`a database that says ${what} is one that does not answer`, soon, async (t) => {
    const database = await startFakeDatabase(bytes)
    t.after(() => database.close())
    const { port } = database
    const options = {
      host: '127.0.0.1',
      port,
      user: 'u',
      database: 'd',
      timeoutMs: 3000,
      connections: 1,
    }
    const statement = { text: 'SELECT $1', values: ['x'] }
    const pool = openPool(options)
    await assert.rejects(run(pool, options, statement), { code: 'LOG_UNAVAILABLE' })
    await pool.end()
    const client = await openClient(options, 'sequencer', () => undefined)
    await assert.rejects(ask(client, options, statement), { code: 'LOG_UNAVAILABLE' })
    await endClient(client)
  })
}

test('messages are followed wherever what comes is divided', () => {
  const error = message('E', 'SERROR\0C25006\0\0')
  const nothing = message('N', '\0')
  const parts = [ready, nothing, error, nothing, message('C', 'x'), nothing, error, ready]
  const good = Buffer.concat(parts)
  for (let size = 1; size <= good.length; size += 1) {
    const check = openFrames()
    for (let at = 0; at < good.length; at += size) check(good.subarray(at, at + size))
  }
  const bad = Buffer.concat([ready, message('E', 'SERROR\0C25006\0'), ready])
  for (let size = 1; size <= bad.length; size += 1) {
    const check = openFrames()
    assert.throws(() => {
      for (let at = 0; at < bad.length; at += size) check(bad.subarray(at, at + size))
    }, /without an end/)
  }
})

test('a message is no longer than the largest row, and no shorter than its length', () => {
  const largest = 256 * 2 ** 20
  for (const length of [4, 5, largest]) openFrames()(message('D', '', length))
  for (const length of [0, 3, largest + 1])
    assert.throws(() => openFrames()(message('D', '', length)), /a message of \d+ bytes/)
})
