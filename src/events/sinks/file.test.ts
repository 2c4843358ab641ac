import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Message } from '../message.ts'
import { fileSink } from './file.ts'

function message(text: string): Message {
  const time = '2026-06-01T12:00:00.000Z'
  return {
    id: text,
    time,
    name: 'gate.started',
    severity: 'notice',
    summary: text,
    body: Buffer.from(`{"${text}":1}`),
  }
}

function scene(options: { readonly maxBytes?: number; readonly keep?: number } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-file-'))
  const path = join(folder, 'out', 'events.jsonl')
  const sink = fileSink({ path, maxBytes: 1000, keep: 2, ...options })
  const send = (...texts: string[]): Promise<void> =>
    sink.send(texts.map(message), { timeoutMs: 1000 })
  const read = (more = ''): string => readFileSync(`${path}${more}`, 'utf8')
  const remove = (): void => rmSync(folder, { recursive: true })
  return { path, send, read, [Symbol.dispose]: remove }
}

test('each message is a line, and others than owner and group read none', async () => {
  using place = scene()
  await place.send('a', 'b')
  await place.send('c')
  assert.equal(place.read(), '{"a":1}\n{"b":1}\n{"c":1}\n')
  assert.equal(statSync(place.path).mode & 0o007, 0)
})

test('a line that was cut off is taken back, however long it is, and nothing before it', async () => {
  using place = scene({ maxBytes: 1e9 })
  await place.send('a')
  appendFileSync(place.path, `{"half":"${'x'.repeat(200_000)}`)
  await place.send('b')
  assert.equal(place.read(), '{"a":1}\n{"b":1}\n')
})

test('a file that would grow too long is put aside; so many are kept, and no line is in two of them', async () => {
  using place = scene({ maxBytes: 20, keep: 2 })
  for (const text of ['a', 'b', 'c', 'd', 'e', 'f', 'g']) await place.send(text)
  assert.deepEqual(
    [place.read('.2'), place.read('.1'), place.read()],
    ['{"c":1}\n{"d":1}\n', '{"e":1}\n{"f":1}\n', '{"g":1}\n'],
  )
  assert.equal(existsSync(`${place.path}.3`), false)
})

test('where none is kept, the file begins anew', async () => {
  using place = scene({ maxBytes: 10, keep: 0 })
  await place.send('a')
  await place.send('b')
  assert.equal(place.read(), '{"b":1}\n')
})

test('what cannot be written is a failure: it is told again', async () => {
  const sink = fileSink({ path: '/dev/full', maxBytes: 1000, keep: 0 })
  await assert.rejects(sink.send([message('a')], { timeoutMs: 1000 }))
})
