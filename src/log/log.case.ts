import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openCheckpoint, verifyTlogProof, type LogIdentity } from '#merkle'
import {
  openLogView,
  refusalForm,
  recordRefusal,
  verifyLog,
  type BodyStore,
  type Log,
  type LogStorage,
} from './index.ts'

/** With these the logs of a place are opened. */
export const contractMarks = ['"marked"', '"noted"']

/** A place for one log, opened as often as a test wants: each time by another process, as it were. */
export interface LogPlace {
  readonly identity: LogIdentity
  open(): Promise<Log>
  readonly reader: Pick<LogStorage, 'read'>
  readonly bodies: BodyStore
}

/** What every log promises to those who record, read, prove and verify, wherever it is kept. */
export function logContract(name: string, makePlace: (t: TestContext) => Promise<LogPlace>): void {
  const rule = (text: string, body: (place: LogPlace) => Promise<void>): void => {
    test(`${name}: ${text}`, async (t) => body(await makePlace(t)))
  }

  rule('a new log is empty, and its checkpoint is signed', async (place) => {
    const log = await place.open()
    assert.equal(log.size, 0)
    assert.equal(log.origin, place.identity.origin)
    assert.equal(openCheckpoint(log.checkpoint(), place.identity).size, 0)
    assert.equal((await log.view()).size, 0)
    await log.close()
  })

  rule(
    'an append is answered with its index, and a checkpoint with it is published',
    async (place) => {
      const log = await place.open()
      for (let at = 0; at < 3; at += 1) {
        const { index } = await log.append(entry(at))
        assert.equal(index, at)
        assert.ok(log.size > at)
        const { checkpoint } = await log.view()
        assert.ok(openCheckpoint(checkpoint.note, place.identity).size > at)
        const proof = await log.receipt(index)
        assert.equal(verifyTlogProof(proof, entry(at), place.identity).index, at)
        assert.deepEqual(Buffer.from(await log.entry(index)), entry(at))
      }
      await log.close()
    },
  )

  rule(
    '600 entries of two who append at once: none is lost, none is twice, all verify',
    async (place) => {
      const logs = [await place.open(), await place.open()]
      const told = new Map<number, string>()
      await Promise.all(
        logs.flatMap((log, who) =>
          Array.from({ length: 300 }, async (_, at) => {
            const text = `${who}-${at}`
            const { index } = await log.append(Buffer.from(text))
            assert.ok(!told.has(index))
            told.set(index, text)
          }),
        ),
      )
      for (const log of logs) await log.view()
      const view = await openLogView(place.reader, place.identity)
      const found = new Map<number, string>()
      for await (const { index, entry: bytes } of view.entries())
        found.set(index, Buffer.from(bytes).toString())
      assert.deepEqual(found, new Map([...told].sort(([a], [b]) => a - b)))
      for (const log of logs) await log.close()
      const report = await verifyLog({ ...place.identity, storage: place.reader })
      assert.deepEqual([report.ok, report.size, report.problems], [true, 600, []])
    },
  )

  rule('what one has appended, the view of another has', async (place) => {
    const [one, other] = [await place.open(), await place.open()]
    await one.append(entry(1))
    await other.append(entry(2))
    assert.deepEqual(Buffer.from(await (await other.view()).entry(0)), entry(1))
    await one.close()
    await other.close()
  })

  rule('entries with a mark are found, whoever appended them and when', async (place) => {
    const logs = [await place.open(), await place.open()]
    const text = (at: number): string => (at % 97 === 3 ? `"marked" ${at}` : `${at}`)
    for (let at = 0; at < 600; at += 40) {
      const log = logs[(at / 40) % 3 === 0 ? 1 : 0]
      await Promise.all(
        Array.from({ length: 40 }, async (_, more) => log?.append(Buffer.from(text(at + more)))),
      )
    }
    logs.push(await place.open())
    for (const log of logs) {
      const view = await log.view()
      for (const [from, to] of [
        [0, 600],
        [90, 310],
        [599, 600],
      ] as const) {
        const expected: number[] = []
        for await (const { index, entry: bytes } of view.entries(from, to))
          if (Buffer.from(bytes).includes('"marked"')) expected.push(index)
        const found: number[] = []
        for await (const { index, entry: bytes } of view.entries(from, to, contractMarks)) {
          assert.ok(Buffer.from(bytes).includes('"marked"'))
          found.push(index)
        }
        assert.deepEqual(found, expected)
      }
      const others: number[] = []
      for await (const { index } of view.entries(0, view.size, ['"marked" 3', 'nowhere']))
        others.push(index)
      assert.ok(others.length > 0, 'other texts than it was opened with')
    }
    for (const log of logs) await log.close()
  })

  rule(
    'every width of a tile that a checkpoint was signed for can be read, and no other',
    async (place) => {
      const log = await place.open()
      for (let at = 0; at < 5; at += 1) await log.append(entry(at))
      await log.close()
      const sizes = await Promise.all(
        [5, 6].map((width) => place.reader.read(`tile/0/000.p/${width}`)),
      )
      assert.deepEqual(
        sizes.map((bytes) => bytes?.length),
        [160, undefined],
      )
      assert.ok((await place.reader.read('tile/entries/000.p/5')) !== undefined)
      assert.equal(await place.reader.read('tile/entries/000'), undefined)
      await assert.rejects(place.reader.read('tile/../secret'), { code: 'TILE_PATH_MALFORMED' })
    },
  )

  rule('an earlier checkpoint is still the beginning of the log', async (place) => {
    const log = await place.open()
    await log.append(entry(0))
    const { checkpoint } = await log.view()
    await Promise.all(Array.from({ length: 700 }, (_, at) => log.append(entry(at))))
    await log.close()
    const report = await verifyLog({
      ...place.identity,
      storage: place.reader,
      earlier: [checkpoint.note],
    })
    assert.deepEqual([report.ok, report.earlier], [true, 1])
  })

  rule('what is too large, or comes after the end, is refused', async (place) => {
    const log = await place.open()
    await assert.rejects(log.append(new Uint8Array(65_536)), { code: 'LOG_ENTRY_TOO_LARGE' })
    const { index } = await log.append(new Uint8Array(65_535))
    assert.equal((await log.entry(index)).length, 65_535)
    await assert.rejects(log.entry(1), { code: 'LOG_ENTRY_UNKNOWN' })
    await log.close()
    await assert.rejects(log.append(entry(0)), { code: 'LOG_CLOSED' })
  })

  rule('the caller may use its buffer again at once', async (place) => {
    const log = await place.open()
    const buffer = Buffer.from('before')
    const appended = log.append(buffer)
    buffer.write('after!')
    assert.equal(Buffer.from(await log.entry((await appended).index)).toString(), 'before')
    await log.close()
  })

  rule('a refusal is recorded and read back', async (place) => {
    const log = await place.open()
    const problem = { code: 'X', where: 'here', expected: 'a', found: 'b', fix: 'Do c' }
    const refusal = {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Refusal',
      time: '2026-01-01T00:00:00Z',
      engine: { name: 'sallyport', version: '0' },
      chokePoint: 'admission',
      asked: { name: 'shop' },
      reasons: [problem as never],
    } as const
    const { index } = await recordRefusal(log, refusal)
    assert.deepEqual(refusalForm.parse(await log.entry(index)), refusal)
    await log.close()
  })

  rule('bodies are kept by digest, and the same bytes once', async ({ bodies }) => {
    const bytes = Buffer.from('evidence')
    const digest = await bodies.put(bytes)
    assert.equal(await bodies.put(bytes), digest)
    assert.deepEqual(Buffer.from((await bodies.get(digest)) ?? []), bytes)
    assert.equal(await bodies.get('0'.repeat(64)), undefined)
    await assert.rejects(bodies.get('../x'), { code: 'BLOB_DIGEST_MALFORMED' })
    const empty = await bodies.put(new Uint8Array())
    assert.equal((await bodies.get(empty))?.length, 0)
  })
}

function entry(number: number): Buffer {
  return Buffer.from(`{"decision":${number}}`)
}
