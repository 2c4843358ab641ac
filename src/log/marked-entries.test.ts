import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hasMark, MarkedEntries } from './marked-entries.ts'
import { openLog } from './index.ts'
import { RememberingSigner } from './testing/remembering-signer.ts'
import { Machine } from './testing/simulation.ts'

const marks = ['"one"', '"two"']
const plain = { entry: Buffer.from('{"kind":"none"}') }
const marked = { entry: Buffer.from('{"kind":"two"}') }

test('what was noted is known: only entries with a mark need be looked at', () => {
  const known = new MarkedEntries(marks)
  known.note(0, [plain, plain, marked])
  known.note(3, [plain, marked])
  assert.deepEqual(known.stretches(0, 5, marks), [
    [2, 3],
    [4, 5],
  ])
  assert.deepEqual(known.stretches(0, 5, ['"two"']), [
    [2, 3],
    [4, 5],
  ])
  assert.deepEqual(known.stretches(3, 4, marks), [])
})

test('what was not noted, or for other marks, is to be looked through', () => {
  const known = new MarkedEntries(marks)
  assert.deepEqual(known.stretches(0, 9, marks), [[0, 9]])
  known.note(4, [plain, marked])
  assert.deepEqual(known.stretches(0, 9, marks), [
    [0, 4],
    [5, 6],
    [6, 9],
  ])
  assert.deepEqual(known.stretches(4, 6, [...marks, '"three"']), [[4, 6]])
})

test('entries that others have put between are not taken for known', () => {
  const known = new MarkedEntries(marks)
  known.note(0, [plain])
  known.note(2, [plain])
  assert.deepEqual(known.stretches(0, 3, marks), [[0, 2]])
})

test('of many places the newest are kept, and nothing older is said to be known', () => {
  const known = new MarkedEntries(marks, 4)
  known.note(
    0,
    Array.from({ length: 6 }, () => marked),
  )
  assert.deepEqual(known.stretches(0, 6, marks), [
    [0, 4],
    [4, 5],
    [5, 6],
  ])
})

test('no entry with a mark is ever left out, whatever was noted', () => {
  const batch = fc.record({ gap: fc.nat(2), entries: fc.array(fc.boolean(), { maxLength: 4 }) })
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 12 }), fc.nat(8), fc.nat(40), (batches, most, to) => {
      const known = new MarkedEntries(marks, 2 + 2 * most)
      const all: boolean[] = []
      for (const { gap, entries } of batches) {
        // Others may have put anything there.
        for (let at = 0; at < gap; at += 1) all.push(true)
        known.note(
          all.length,
          entries.map((has) => (has ? marked : plain)),
        )
        all.push(...entries)
      }
      const stretches = known.stretches(0, to, marks)
      for (let at = 0; at < Math.min(to, all.length); at += 1) {
        const looked = stretches.some(([from, past]) => at >= from && at < past)
        assert.ok(looked || all[at] === false, `entry ${at}`)
      }
      for (const [at, [from, past]] of stretches.entries())
        assert.ok(from < past && from >= (stretches[at - 1]?.[1] ?? 0), 'in their order')
    }),
  )
})

test('a mark is found wherever it stands, and nothing else is', () => {
  assert.ok(hasMark(marked.entry, marks))
  assert.ok(!hasMark(plain.entry, marks))
  assert.ok(!hasMark(Buffer.from('"tw'), marks))
  const room = Buffer.concat([marked.entry, plain.entry])
  assert.ok(
    !hasMark(room.subarray(marked.entry.length), marks),
    'behind its end and before its beginning',
  )
})

test('who follows the log reads nothing of entries that this process knows to have no mark', async () => {
  const machine = new Machine()
  const storage = machine.disk.open()
  const signer = new RememberingSigner(machine.memory, machine.keys)
  const read: string[] = []
  const whole = storage.read.bind(storage)
  storage.read = async (path) => {
    read.push(path)
    return whole(path)
  }
  const log = await openLog({ storage, signer, marks })
  await Promise.all(
    Array.from({ length: 700 }, async (_, at) =>
      log.append(at === 300 || at === 310 ? marked.entry : plain.entry),
    ),
  )
  const view = await log.view()
  read.length = 0
  const found: number[] = []
  for await (const { index, entry } of view.entries(0, view.size, marks)) {
    assert.deepEqual(Buffer.from(entry), marked.entry)
    found.push(index)
  }
  assert.deepEqual(found, [300, 310])
  const bundles = read.filter((path) => path.startsWith('tile/entries'))
  assert.deepEqual(bundles, ['tile/entries/001'], 'both of one bundle, read once')
})
