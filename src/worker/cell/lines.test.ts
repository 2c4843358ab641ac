import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'

import { LineError, readLines } from './lines.ts'

test('lines arrive whole, however they were cut', async () => {
  const cut = ['on', 'e\ntw', 'o\n', '\nfour'].map((text) => Buffer.from(text))
  assert.deepEqual(await all(Readable.from(cut), 100), ['one', 'two', ''])
})

test('a line that is too long is refused before it is whole', async () => {
  const endless = Readable.from(Array.from({ length: 100 }, () => Buffer.alloc(10, 0x61)))
  await assert.rejects(all(endless, 50), LineError)
})

async function all(stream: Readable, maxBytes: number): Promise<string[]> {
  const lines: string[] = []
  for await (const line of readLines(stream, maxBytes)) lines.push(line)
  return lines
}
