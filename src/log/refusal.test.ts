import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refusalForm, recordRefusal, type Refusal } from './refusal.ts'

const refusal: Refusal = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Refusal',
  time: '2026-06-01T00:00:00.000Z',
  engine: { name: 'sallyport', version: '0.1.0' },
  chokePoint: 'admission',
  requester: 'jo',
  asked: { kind: '/Pod', namespace: 'shop' },
  reasons: [
    {
      code: 'ADMISSION_UNPINNED',
      where: 'spec',
      expected: 'a digest',
      found: 'a tag',
      fix: 'Pin it',
    },
  ],
}

test('a refusal is read as it was recorded', async () => {
  const entries: Uint8Array[] = []
  const append = (entry: Uint8Array) => {
    entries.push(entry)
    return Promise.resolve({ index: 0, checkpoint: '' })
  }
  await recordRefusal({ append }, refusal)
  assert.deepEqual(refusalForm.parse(entries[0] ?? new Uint8Array()), refusal)
})

test('what is no refusal is none, and a malformed one is refused', () => {
  assert.equal(refusalForm.parse(Buffer.from('{"kind":"Decision"}')), undefined)
  const text = JSON.stringify({ ...refusal, reasons: [] })
  assert.throws(() => refusalForm.parse(Buffer.from(text)), { code: 'DOCUMENT_SHAPE' })
})

test('words that cannot be written as they are do not keep a refusal out of the log', async () => {
  const entries: Uint8Array[] = []
  const append = (entry: Uint8Array) => {
    entries.push(entry)
    return Promise.resolve({ index: 0, checkpoint: '' })
  }
  const odd = { where: 'spec', expected: 'a digest', found: '\ud83d', fix: 'Pin it' }
  const reasons = [{ code: 'ADMISSION_UNPINNED' as const, ...odd }]
  await recordRefusal(
    { append },
    { ...refusal, requester: 'jo\ud83d', asked: { a: '\ude00' }, reasons },
  )
  const read = refusalForm.parse(entries[0] ?? new Uint8Array())
  assert.deepEqual(
    [read?.requester, read?.asked, read?.reasons[0]?.found],
    ['jo\ufffd', { a: '\ufffd' }, '\ufffd'],
  )
})
