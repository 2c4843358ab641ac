import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sha256Hex } from '#document'
import type { BodyStore } from '#log'
import { openUses, reviewForm, type BreakglassReview } from './index.ts'

const noBodies: BodyStore = { put: async () => '', get: async () => undefined }
const grant = { digest: 'a'.repeat(64), requester: 'ann', reason: 'outage', incident: 'INC-1' }

/** What a use leaves in the log, as far as it counts here. */
const use = useBy('jo')

function useBy(
  requester: string,
  principal = `os:${requester}`,
  digest = grant.digest,
  approver = 'bob',
): Buffer {
  const decision = {
    kind: 'Decision',
    effect: 'admitted-breakglass',
    verdict: 'DENY',
    time: '2026-05-30T00:00:00Z',
    request: {
      artifact: { name: 'shop', digest: { sha256: 'b'.repeat(64) } },
      target: { environment: 'production', service: 'shop' },
      requester,
      principal,
    },
    breakglass: {
      grants: [{ ...grant, digest }],
      wanted: [],
      used: { grants: [digest], approvers: [approver], until: '2026-05-30T01:00:00Z' },
    },
  }
  return Buffer.from(JSON.stringify(decision))
}

/** A log of these entries, which takes a while to read. */
function viewOf(entries: readonly Buffer[], fails: { at: number } = { at: -1 }) {
  return {
    size: entries.length,
    async *entries(from = 0, to = entries.length) {
      for (let index = from; index < to; index += 1) {
        await new Promise((done) => setImmediate(done))
        if (index === fails.at) throw new Error('a disk that fails')
        yield { index, entry: new Uint8Array(entries[index] ?? []) }
      }
    },
  }
}

test('what two read at the same time counts once', async () => {
  const book = openUses(noBodies)
  const view = viewOf([use, use])
  await Promise.all([book.read(view), book.read(view)])
  assert.deepEqual(
    book.uses().map(({ entry, lastEntry, times }) => [entry, lastEntry, times]),
    [[0, 1, 2]],
  )
})

test('a reading that failed goes on where it stopped', async () => {
  const book = openUses(noBodies)
  const fails = { at: 1 }
  const view = viewOf([use, use, use], fails)
  await assert.rejects(book.read(view), /a disk that fails/)
  assert.equal(book.uses()[0]?.times, 1)
  fails.at = -1
  await book.read(view)
  assert.equal(book.uses()[0]?.times, 3)
})

test('nobody hides a use behind the name of a review', async () => {
  const book = openUses(noBodies)
  await book.read(viewOf([useBy('BreakglassReview')]))
  assert.deepEqual(book.uses()[0]?.requesters, ['ann', 'BreakglassReview'])
})

test('a use knows everybody who asked, as they have proven it, and its review as it was written', async () => {
  const review: BreakglassReview = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'BreakglassReview',
    time: '2026-06-01T12:00:00Z',
    entry: 1,
    by: 'grace',
    finding: 'justified',
  }
  const { by, finding, time } = review
  for (const more of [{}, { principal: 'os:grace' }]) {
    const book = openUses(noBodies)
    const closing = Buffer.from(reviewForm.encode({ ...review, ...more }, 'a review'))
    await book.read(viewOf([use, useBy('kim', 'token:ci'), closing]))
    const [found] = book.uses()
    assert.deepEqual(
      [found?.requesters, found?.principals],
      [
        ['ann', 'jo', 'kim'],
        ['os:jo', 'token:ci'],
      ],
    )
    assert.deepEqual(found?.review, { by, finding, time, ...more })
  }
})

test('a grant in another file is the same grant; one that is not kept, or is none, is known by its digest', async () => {
  const envelope = (payload: string, space = '') =>
    Buffer.from(
      `${space}${JSON.stringify({
        payloadType: 'application/vnd.in-toto+json',
        payload: Buffer.from(payload).toString('base64'),
        signatures: [{ sig: 'AAAA' }],
      })}`,
    )
  const files = [
    envelope('{"a":1}'),
    envelope('{"a":1}', ' '),
    envelope('{"a":2}'),
    Buffer.from('x'),
  ]
  const kept = new Map(files.map((bytes) => [sha256Hex(bytes), new Uint8Array(bytes)]))
  const digests = [...kept.keys()]
  const bodies: BodyStore = { put: async () => '', get: async (digest) => kept.get(digest) }
  const book = openUses(bodies)
  const gone = 'c'.repeat(64)
  const all = [...digests, gone, digests[1] ?? '']
  await book.read(
    viewOf(all.map((digest, at) => useBy('jo', 'os:jo', digest, at === 1 ? 'kim' : 'bob'))),
  )
  assert.deepEqual(
    book.uses().map(({ entry, lastEntry, times, grants }) => [entry, lastEntry, times, grants]),
    [
      [0, 5, 3, [digests[0]]],
      [2, 2, 1, [digests[2]]],
      [3, 3, 1, [digests[3]]],
      [4, 4, 1, [gone]],
    ],
  )
  assert.deepEqual(book.uses()[0]?.approvers, ['bob', 'kim'])
})

const review: BreakglassReview = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BreakglassReview',
  time: '2026-06-01T12:00:00Z',
  entry: 0,
  by: 'kim',
  principal: 'token:kim',
  finding: 'all is well',
}
const closing = (more: Partial<BreakglassReview> = {}): Buffer =>
  Buffer.from(reviewForm.encode({ ...review, ...more }, 'a review'))

test('a review by who asked before it stood in the log closes nothing, one by somebody else does', async () => {
  const book = openUses(noBodies)
  const before = [use, useBy('token:kim', 'token:kim')]
  await book.read(viewOf([...before, closing()]))
  assert.equal(book.at(0)?.review, undefined)
  await book.read(viewOf([...before, closing(), closing({ by: 'grace', principal: 'os:grace' })]))
  assert.equal(book.at(0)?.review?.by, 'grace')
})

test('a use knows everybody who asked, however many they are', async () => {
  const book = openUses(noBodies)
  const many = Array.from({ length: 150 }, (_, at) => useBy(`pod-${at}`))
  await book.read(viewOf([...many, useBy('token:kim', 'token:kim'), closing()]))
  const [found] = book.uses()
  assert.deepEqual([found?.times, found?.requesters.length], [151, 152])
  assert.deepEqual([found?.principals.at(-1), found?.review], ['token:kim', undefined])
})

const referenceTo = (body: Uint8Array): Buffer =>
  Buffer.from(
    JSON.stringify({
      apiVersion: 'sallyport.dev/v1',
      kind: 'DecisionReference',
      decision: { sha256: sha256Hex(body), size: body.length },
    }),
  )

test('an entry that cannot be read is told, keeps nobody from the others, and is read once it can be', async () => {
  const sha256 = sha256Hex(use)
  const kept = new Map<string, Uint8Array>()
  const bodies: BodyStore = { put: async () => '', get: async (digest) => kept.get(digest) }
  const reference = referenceTo(use)
  const book = openUses(bodies)
  const log = [reference, useBy('kim'), closing({ entry: 1, by: 'grace', principal: 'os:grace' })]
  await book.read(viewOf(log))
  assert.deepEqual(
    book.unreadable().map(({ code, where }) => [code, where]),
    [['RECORD_BODY_MISSING', 'entry 0 of the log']],
  )
  assert.equal(book.at(1)?.review?.by, 'grace')
  kept.set(sha256, new Uint8Array(use))
  await book.read(viewOf(log))
  assert.deepEqual(book.unreadable(), [])
  assert.deepEqual([book.at(0)?.requesters, book.at(0)?.review], [['ann', 'jo'], undefined])
})

test('each entry that cannot be read has its turn, however many are gone for good', async () => {
  const bodies: BodyStore = {
    put: async () => '',
    get: async (digest) => (isBack && digest === sha256Hex(use) ? new Uint8Array(use) : undefined),
  }
  let isBack = false
  const book = openUses(bodies)
  const gone = Array.from({ length: 150 }, (_, at) => referenceTo(useBy(`pod-${at}`)))
  const log = viewOf([...gone, referenceTo(use)])
  await book.read(log)
  assert.equal(book.unreadable().length, 151)
  isBack = true
  for (let count = 0; count < 3; count += 1) await book.read(log)
  assert.deepEqual([book.at(150)?.times, book.unreadable().length], [1, 150])
})
