import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import type { SubmittedEntry } from '../shared/ports.ts'
import { MemoryBodies } from '../testing/memory-bodies.ts'
import { MemorySpool } from '../testing/memory-spool.ts'
import { encodeLine, parseLines, spoolStart } from './line.ts'
import { readSpool } from './read-spool.ts'
import { Spool, type SpoolLimits, type SpoolTarget } from './spool.ts'

const origin = 'log.example/spool'
const roomy: SpoolLimits = { maxEntries: 1000, maxBytes: 1_000_000 }

const fixed = () => new Date('2026-01-02T03:04:05Z')

function open(
  storage: MemorySpool,
  limits: Partial<SpoolLimits> = {},
  clock: () => Date = fixed,
): Spool {
  return new Spool({ storage, origin, limits: { ...roomy, ...limits }, clock })
}

const text = (at: number | string) => ({
  entry: Buffer.from(`entry ${at}`),
  bodies: [Buffer.from('policy'), Buffer.from(`evidence ${at}`)],
})

/** A log that knows ids, as the database does. */
class Target implements SpoolTarget {
  readonly bodies = new MemoryBodies()
  readonly entries: string[] = []
  readonly #ids = new Map<number, number>()
  away = false

  record(entries: readonly SubmittedEntry[]): Promise<readonly number[]> {
    if (this.away) return Promise.reject(new Error('away'))
    // Their order in the log is that of their ids.
    assert.ok(entries.every(({ id }, at) => at === 0 || (entries[at - 1]?.id ?? id) < id))
    const indexes = entries.map(({ id, entry }) => {
      const known = this.#ids.get(id)
      if (known !== undefined) return known
      this.#ids.set(id, this.entries.push(Buffer.from(entry).toString()) - 1)
      return this.entries.length - 1
    })
    return Promise.resolve(indexes)
  }

  async empty(spool: Spool): Promise<void> {
    while ((await spool.forward(this)) > 0);
  }
}

/** A body that several entries name is there once. */
const bytesOn = async (storage: MemorySpool) => storage.file.length + (await storage.bodyBytes())

async function fill(spool: Spool, count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await spool.add(text(at))
}

const expected = (count: number) => Array.from({ length: count }, (_, at) => `entry ${at}`)

test('what is spooled is told, and goes into the log in its order, with its bodies', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  const receipt = await spool.add(text(0))
  assert.equal(receipt.number, 0)
  assert.equal(receipt.sha256, hash('sha256', 'entry 0'))
  await Promise.all([1, 2, 3].map((at) => spool.add(text(at))))
  assert.equal(spool.standing.entries, 4)
  assert.equal(spool.standing.bytes, await bytesOn(storage))
  assert.equal(spool.standing.oldest?.toISOString(), '2026-01-02T03:04:05.000Z')
  assert.deepEqual((await readSpool(storage)).entries, 4)
  const target = new Target()
  await target.empty(spool)
  assert.deepEqual(target.entries, expected(4))
  assert.equal(target.bodies.bodies.size, 5)
  assert.deepEqual(
    [spool.standing.entries, storage.bodies.bodies.size, (await readSpool(storage)).entries],
    [0, 0, 0],
  )
  await spool.add(text(4))
  await target.empty(spool)
  assert.deepEqual(target.entries, expected(5))
})

test('a log that is away takes nothing, and nothing is lost', async () => {
  const spool = open(new MemorySpool())
  await fill(spool, 3)
  const target = new Target()
  target.away = true
  await assert.rejects(spool.forward(target), { message: 'away' })
  assert.equal(spool.standing.entries, 3)
  target.away = false
  await target.empty(spool)
  assert.deepEqual(target.entries, expected(3))
})

test('the next process goes on where one was killed, wherever that was, and records nothing twice', async () => {
  for (let killedAt = 1; killedAt <= 12; killedAt += 1) {
    const storage = new MemorySpool()
    await fill(open(storage), 4)
    const target = new Target()
    const second = storage.after()
    let deeds = 0
    // Killed at one deed after the other: from then on the disk takes nothing.
    second.fail = () => {
      deeds += 1
      if (deeds >= killedAt) throw new Error('killed')
    }
    await target.empty(open(second)).catch(() => undefined)
    const third = open(second.after())
    await target.empty(third)
    assert.deepEqual(target.entries, expected(4), `killed at ${killedAt}`)
    await third.add(text('later'))
    await target.empty(third)
    assert.deepEqual(target.entries.length, 5)
  }
})

test('an entry that may be in the log under an id of its own is not recorded again', async () => {
  const target = new Target()
  await target.record([{ id: 77, entry: Buffer.from('entry 0') }])
  const spool = open(new MemorySpool())
  await spool.add({ ...text(0), id: 77 })
  await fill(spool, 1)
  await target.empty(spool)
  assert.deepEqual(target.entries, ['entry 0', 'entry 0'], 'the second is another one')
})

test('the same entry twice is recorded twice: two were answered', async () => {
  const target = new Target()
  const spool = open(new MemorySpool())
  await spool.add(text(0))
  await spool.add(text(0))
  await target.empty(spool)
  assert.deepEqual(target.entries, ['entry 0', 'entry 0'])
})

test('ids of one spool ascend below zero, and differ from those of another', async () => {
  const ids: number[] = []
  const record = (entries: readonly SubmittedEntry[]) => {
    ids.push(...entries.map(({ id }) => id))
    return Promise.resolve(entries.map((_, at) => at))
  }
  const target = { bodies: new MemoryBodies(), record }
  for (let round = 0; round < 3; round += 1) {
    const spool = open(new MemorySpool())
    await fill(spool, 5)
    while ((await spool.forward(target)) > 0);
  }
  assert.equal(new Set(ids).size, 15)
  assert.ok(ids.every((id) => id < 0 && Number.isSafeInteger(id)))
  assert.deepEqual(
    ids.slice(0, 5),
    ids.slice(0, 5).toSorted((a, b) => a - b),
  )
})

test('copies of one spool give other ids to what is spooled from then on, and what waited in both is recorded once', async () => {
  const storage = new MemorySpool()
  await fill(open(storage), 1)
  const target = new Target()
  for (const name of ['one', 'other']) {
    const copy = open(storage.after())
    await copy.add(text(name))
    await target.empty(copy)
  }
  assert.deepEqual(target.entries, ['entry 0', 'entry one', 'entry other'])
})

test('what is torn at the end was never answered, and is dropped; every whole line is kept', async () => {
  const storage = new MemorySpool()
  await fill(open(storage), 3)
  const whole = storage.file
  await open(storage.after()).add(text('torn'))
  const longer = storage.after()
  longer.file = whole
  const full = await (async () => {
    const one = storage.after()
    one.file = whole
    await open(one).add(text('torn'))
    return one.file
  })()
  for (let length = whole.length; length < full.length; length += 37) {
    const torn = storage.after()
    torn.file = full.slice(0, length)
    const spool = open(torn)
    await spool.open()
    assert.equal(spool.standing.entries, 3)
    await spool.add(text(3))
    const target = new Target()
    await target.empty(spool)
    assert.deepEqual(target.entries, expected(4))
  }
})

test('a bit that is turned anywhere in the spool is found, and nothing is added to it any more', async () => {
  const storage = new MemorySpool()
  await fill(open(storage), 3)
  for (let at = 0; at < storage.file.length - 1; at += 13) {
    const altered = storage.after()
    altered.file = Uint8Array.from(storage.file)
    altered.file[at] = (altered.file[at] ?? 0) ^ 1
    const spool = open(altered)
    await assert.rejects(spool.open(), { code: 'LOG_SPOOL_DAMAGED' }, `byte ${at}`)
    await assert.rejects(spool.add(text(9)), { code: 'LOG_SPOOL_DAMAGED' })
    assert.equal(spool.problem?.code, 'LOG_SPOOL_DAMAGED')
  }
})

test('a line that is removed, moved or copied is found', async () => {
  const storage = new MemorySpool()
  await fill(open(storage), 4)
  const lines = Buffer.from(storage.file).toString().split('\n').slice(0, -1)
  const [head = '', a = '', b = '', c = '', d = ''] = lines
  for (const kept of [
    [head, b, c, d],
    [head, a, c, d],
    [head, a, b, c],
    [head],
    [head, b, a, c, d],
    [head, a, a, b, c, d],
    [a, b, c, d],
    [],
  ]) {
    const changed = storage.after()
    changed.file = Buffer.from(kept.map((line) => `${line}\n`).join(''))
    await assert.rejects(open(changed).open(), { code: 'LOG_SPOOL_DAMAGED' }, `${kept.length}`)
  }
})

test('a spool that is altered while its process runs is found when it is forwarded', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 3)
  // Somebody who can write there writes a whole spool of their own.
  const other = new MemorySpool()
  const theirs = open(other)
  await fill(theirs, 2)
  await theirs.add(text('forged'))
  const sound = storage.file
  storage.file = other.file
  const target = new Target()
  await assert.rejects(target.empty(spool), { code: 'LOG_SPOOL_DAMAGED' })
  assert.ok(!target.entries.includes('entry forged'))
  await assert.rejects(spool.add(text(9)), { code: 'LOG_SPOOL_DAMAGED' })
  // Nor is it believed when it has been put back.
  storage.file = sound
  await assert.rejects(target.empty(spool), { code: 'LOG_SPOOL_DAMAGED' })
})

test('a line that somebody puts in the place of another, after the right one, is not forwarded', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  const { lines } = parseLines(storage.file, storage.name)
  const { line, from } = lines.at(-1) ?? assert.fail()
  assert.ok(line.kind === 'SpoolEntries')
  const entry = Buffer.from('entry 9').toString('base64')
  const forged = { ...line, entries: line.entries.map((one) => ({ ...one, entry })) }
  const { bytes } = encodeLine(forged, line.previous)
  const longer = Buffer.concat([storage.file.subarray(0, -1), Buffer.from(' ')])
  for (const changed of [Buffer.concat([storage.file.subarray(0, from), bytes]), longer]) {
    const [copy, target] = [storage.after(), new Target()]
    const next = open(copy)
    await next.open()
    copy.file = changed
    await assert.rejects(target.empty(next), { code: 'LOG_SPOOL_DAMAGED' })
    assert.deepEqual(target.entries, [])
  }
})

test('lines that have their digests, and cannot follow each other, are damage', async () => {
  type Line = Parameters<typeof encodeLine>[0]
  const time = fixed().toISOString()
  const head: Line = { kind: 'SpoolHead', origin, spool: '0'.repeat(16), firstId: -1 }
  const entry = (number: number): Line => {
    const entries = [{ number, id: -1, bodies: [], entry: '' }]
    return { kind: 'SpoolEntries', time, entries }
  }
  const forwarded = (line: string): Line => ({ kind: 'SpoolForwarded', line, indexes: [0] })
  const begun = encodeLine(head, spoolStart)
  const first = encodeLine(entry(0), begun.digest)
  const second = encodeLine(entry(1), first.digest)
  const done = encodeLine(forwarded(first.digest), first.digest)
  for (const [lines, isSound] of [
    [[second, encodeLine(forwarded(first.digest), second.digest)], true],
    [[done, encodeLine(entry(1), done.digest)], true],
    [[done, encodeLine(forwarded(first.digest), done.digest)], false],
    [[encodeLine(forwarded(begun.digest), first.digest)], false],
    [[encodeLine(entry(1), begun.digest)], false],
    [[encodeLine(entry(0), first.digest)], false],
    [[encodeLine(entry(2), first.digest)], false],
    [[encodeLine(head, first.digest)], false],
  ] as const) {
    const storage = new MemorySpool()
    storage.file = Buffer.concat([begun, first, ...lines].map(({ bytes }) => bytes))
    if (isSound) assert.ok(await open(storage).open())
    else await assert.rejects(open(storage).open(), { code: 'LOG_SPOOL_DAMAGED' })
  }
})

test('that somebody cuts off how far it has come is found', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  const target = new Target()
  const record = target.record.bind(target)
  target.record = async (entries) => {
    await spool.add(text(2))
    return record(entries)
  }
  assert.equal(await spool.forward(target), 2)
  const { lines } = parseLines(storage.file, storage.name)
  const last = lines.at(-1) ?? assert.fail()
  assert.equal(last.line.kind, 'SpoolForwarded')
  storage.file = storage.file.subarray(0, last.from)
  await assert.rejects(open(storage.after()).open(), { code: 'LOG_SPOOL_DAMAGED' })
})

test('a body that is altered or gone is found before its entry is recorded', async () => {
  for (const change of [
    (bodies: Map<string, Uint8Array>) => bodies.clear(),
    (bodies: Map<string, Uint8Array>) =>
      bodies.set(hash('sha256', 'policy'), Buffer.from('another')),
  ]) {
    const storage = new MemorySpool()
    const spool = open(storage)
    await fill(spool, 1)
    change(storage.bodies.bodies)
    const get = storage.bodies.get.bind(storage.bodies)
    // As the real one does: never bytes that do not have the digest.
    storage.bodies.get = async (digest) => {
      const bytes = await get(digest)
      if (bytes !== undefined && hash('sha256', bytes) !== digest) throw new Error('altered')
      return bytes
    }
    const target = new Target()
    await assert.rejects(target.empty(spool), { code: 'LOG_SPOOL_DAMAGED' })
    assert.deepEqual(target.entries, [])
  }
})

test('a spool of another log is not forwarded to this one', async () => {
  const storage = new MemorySpool()
  await fill(open(storage), 1)
  const clock = () => new Date()
  const limits = roomy
  const spool = new Spool({ storage: storage.after(), origin: 'another', limits, clock })
  await assert.rejects(spool.open(), { code: 'LOG_SPOOL_DAMAGED' })
})

test('a full spool takes nothing more, by number and by size, and goes on when it is emptied', async () => {
  const storage = new MemorySpool()
  const spool = open(storage, { maxEntries: 3 })
  await fill(spool, 3)
  assert.equal(spool.problem?.code, 'LOG_SPOOL_FULL')
  await assert.rejects(spool.add(text(3)), { code: 'LOG_SPOOL_FULL' })
  const target = new Target()
  await target.empty(spool)
  assert.equal(spool.problem, undefined)
  await spool.add(text(3))
  const together = open(new MemorySpool(), { maxEntries: 3 })
  const all = await Promise.allSettled([1, 2, 3, 4, 5].map((at) => together.add(text(at))))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 3)
  const small = open(new MemorySpool(), { maxBytes: 5000 })
  let taken = 0
  const answers = await Promise.allSettled(
    Array.from({ length: 50 }, async (_, at) => {
      await small.add({ entry: Buffer.alloc(300, at), bodies: [Buffer.alloc(200, at)] })
      taken += 1
    }),
  )
  const refused = answers.filter(({ status }) => status === 'rejected')
  assert.ok(taken > 2 && refused.length === 50 - taken)
  assert.ok(small.standing.bytes <= 5000, `${small.standing.bytes}`)
})

test('a disk that fails: nobody is answered, what it tore is cut off, and it goes on when it can', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  storage.fail = (deed) => {
    if (deed !== 'read') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
  }
  storage.tornAt = 40
  await assert.rejects(spool.add(text(2)), { code: 'LOG_SPOOL_FAILED' })
  await assert.rejects(spool.add(text(2)), { code: 'LOG_SPOOL_FAILED' })
  const deeds: string[] = []
  storage.fail = (deed) => deeds.push(deed)
  await spool.add(text(2))
  await spool.add(text(3))
  // Each waits for the disk: a file that is sound is not cut.
  assert.deepEqual(deeds, ['cut', 'append', 'remember', 'append', 'remember'])
  await spool.close()
  const target = new Target()
  await target.empty(open(storage.after()))
  assert.deepEqual(target.entries, expected(4))
})

test('a disk that fails while the spool empties itself is told, and nothing is recorded twice', async () => {
  for (const broken of ['append', 'replace', 'remember'] as const) {
    const storage = new MemorySpool()
    const spool = open(storage)
    await fill(spool, 2)
    const target = new Target()
    const record = target.record.bind(target)
    if (broken === 'append')
      // What comes meanwhile stays, so a line says how far it has come.
      target.record = async (entries) => {
        if (spool.standing.entries < 3) await spool.add(text(2))
        failing()
        return record(entries)
      }
    const failing = () => {
      storage.fail = (deed) => {
        if (deed === broken) throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      }
    }
    if (broken !== 'append') failing()
    await assert.rejects(spool.forward(target), { code: 'LOG_SPOOL_FAILED' }, broken)
    storage.fail = () => undefined
    target.record = record
    await spool.add(text(broken === 'append' ? 3 : 2))
    await target.empty(spool)
    assert.deepEqual(target.entries, expected(broken === 'append' ? 4 : 3), broken)
    assert.equal(spool.standing.entries, 0)
  }
})

test('what a write has torn while the spool empties itself is cut off before it goes on', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  const target = new Target()
  const record = target.record.bind(target)
  target.record = async (entries) => {
    target.record = record
    await spool.add(text(2))
    storage.tornAt = 40
    storage.fail = (deed) => {
      if (deed === 'append') throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
    }
    await assert.rejects(spool.add(text(9)), { code: 'LOG_SPOOL_FAILED' })
    storage.fail = () => undefined
    return record(entries)
  }
  assert.equal(await spool.forward(target), 2)
  await target.empty(open(storage.after()))
  assert.deepEqual(target.entries, expected(3))
})

test('a spool that another process uses is not touched', async () => {
  const storage = new MemorySpool()
  storage.take = () => Promise.resolve(false)
  const spool = open(storage)
  await assert.rejects(spool.add(text(0)), { code: 'LOG_SPOOL_TAKEN' })
  assert.equal(spool.problem?.code, 'LOG_SPOOL_TAKEN')
  assert.equal(await spool.forward(new Target()), 0)
  assert.equal(storage.file.length, 0)
})

test('the next process knows how much is there, and answers with the name of the same spool', async () => {
  const storage = new MemorySpool()
  const first = open(storage)
  const { spool } = await first.add(text(0))
  const after = storage.after()
  const next = open(after)
  await next.open()
  assert.deepEqual(next.standing, first.standing)
  const receipt = await next.add(text(1))
  assert.deepEqual([receipt.spool, receipt.number], [spool, 1])
  assert.equal(next.standing.bytes, await bytesOn(after))
})

test('a spool that was emptied is as good as a new one, for who goes on with it and for the next process', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  const first = await spool.add(text(0))
  const target = new Target()
  await target.empty(spool)
  const { standing } = spool
  assert.deepEqual(standing, { entries: 0, bytes: storage.file.length, oldest: undefined })
  const again = await spool.add(text(0))
  assert.notEqual(again.spool, first.spool)
  assert.equal(again.number, 0)
  const next = open(storage.after())
  await next.open()
  assert.deepEqual(next.standing, spool.standing)
  const receipt = await next.add(text(1))
  assert.deepEqual([receipt.spool, receipt.number], [again.spool, 1])
  await target.empty(next)
  assert.deepEqual(target.entries, ['entry 0', 'entry 0', 'entry 1'])
})

test('who only reads a spool counts what waits, not what has come out of it, and is told how old that is', async () => {
  const storage = new MemorySpool()
  let second = 0
  const spool = open(storage, {}, () => new Date(Date.UTC(2026, 0, 2, 3, 4, (second += 1))))
  assert.deepEqual(await readSpool(storage), { entries: 0, oldest: undefined })
  await fill(spool, 2)
  assert.deepEqual(await readSpool(storage), { entries: 2, oldest: spool.standing.oldest })
  const target = new Target()
  const record = target.record.bind(target)
  const meanwhile = [[2], [3, 4, 5]]
  target.record = async (entries) => {
    await Promise.all((meanwhile.shift() ?? []).map((at) => spool.add(text(at))))
    return record(entries)
  }
  assert.equal(await spool.forward(target), 2)
  await spool.add(text(6))
  assert.equal(await spool.forward(target), 2)
  await spool.add(text(7))
  const oldest = new Date('2026-01-02T03:04:05Z')
  assert.deepEqual(await readSpool(storage), { entries: 4, oldest })
  assert.deepEqual([spool.standing.entries, spool.standing.oldest], [4, oldest])
  await target.empty(spool)
  assert.deepEqual(await readSpool(storage), { entries: 0, oldest: undefined })
})

test('an empty spool that was begun, which the disk did not say, is gone on with', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  const target = new Target()
  const replace = storage.replace.bind(storage)
  storage.replace = async (bytes) => {
    await replace(bytes)
    throw Object.assign(new Error('i/o error'), { code: 'EIO' })
  }
  await assert.rejects(spool.forward(target), { code: 'LOG_SPOOL_FAILED' })
  storage.replace = replace
  await spool.add(text(2))
  assert.equal(spool.standing.entries, 1)
  await target.empty(spool)
  assert.deepEqual(target.entries, expected(3))
})

test('what waits to be written when the disk does not say whether it has emptied the spool goes into the one that is there', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  const target = new Target()
  const replace = storage.replace.bind(storage)
  storage.replace = async (bytes) => {
    await replace(bytes)
    throw Object.assign(new Error('i/o error'), { code: 'EIO' })
  }
  const added: Promise<unknown>[] = []
  storage.fail = (deed) => {
    if (deed === 'remember' && added.length === 0) added.push(spool.add(text(2)))
  }
  await assert.rejects(spool.forward(target), { code: 'LOG_SPOOL_FAILED' })
  storage.replace = replace
  await Promise.all(added)
  await target.empty(open(storage.after()))
  assert.deepEqual(target.entries, expected(3))
})

test('what waits to be written to a spool that is lost by then is answered with why', async () => {
  for (const [how, code] of [
    ['damaged', 'LOG_SPOOL_DAMAGED'],
    ['taken', 'LOG_SPOOL_TAKEN'],
  ] as const) {
    const storage = new MemorySpool()
    const spool = open(storage)
    await fill(spool, 2)
    storage.replace = () => {
      if (how === 'damaged') storage.file = Buffer.from('rubbish\n')
      else storage.take = () => Promise.resolve(false)
      return Promise.reject(Object.assign(new Error('i/o error'), { code: 'EIO' }))
    }
    const added: Promise<unknown>[] = []
    storage.fail = (deed) => {
      if (deed === 'remember' && added.length === 0) added.push(spool.add(text(2)))
    }
    await assert.rejects(spool.forward(new Target()), { code: 'LOG_SPOOL_FAILED' })
    const [waiting = Promise.resolve()] = added
    await assert.rejects(waiting, { code })
    const { length } = storage.file
    await assert.rejects(spool.add(text(3)), { code })
    assert.equal(storage.file.length, length)
  }
})

test('a spool that was closed is free for others, once what was being forwarded is', async () => {
  const storage = new MemorySpool()
  const state = { taken: false }
  storage.take = () => Promise.resolve(!state.taken && (state.taken = true))
  storage.close = () => Promise.resolve(void (state.taken = false))
  const [one, other] = [open(storage), open(storage)]
  await fill(one, 1)
  await assert.rejects(other.add(text(1)), { code: 'LOG_SPOOL_TAKEN' })
  const [begun, recorded] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const target = new Target()
  const record = target.record.bind(target)
  target.record = async (entries) => {
    begun.resolve()
    await recorded.promise
    return record(entries)
  }
  const forwarded = one.forward(target)
  await begun.promise
  const closed = one.close()
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(state.taken, true)
  recorded.resolve()
  await Promise.all([forwarded, closed])
  await other.add(text(1))
  await assert.rejects(one.add(text(2)), { code: 'LOG_SPOOL_TAKEN' })
  assert.equal(await one.forward(target), 0)
  await target.empty(other)
  assert.deepEqual(target.entries, expected(2))
})

test('who takes a spool again that another has emptied has new ids', async () => {
  const storage = new MemorySpool()
  const [one, other] = [open(storage), open(storage)]
  const target = new Target()
  await fill(one, 2)
  await one.close()
  await target.empty(other)
  await other.close()
  await one.add(text(2))
  await target.empty(one)
  assert.deepEqual(target.entries, expected(3))
})

test('what was known of a spool that others have by now is not forwarded', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await fill(spool, 2)
  await spool.close()
  storage.take = () => Promise.resolve(false)
  const target = new Target()
  assert.equal(await spool.forward(target), 0)
  assert.deepEqual(target.entries, [])
})

test('who closes waits for all that was added, and nothing is written afterwards', async () => {
  const storage = new MemorySpool()
  const spool = open(storage)
  await spool.open()
  const added = Array.from({ length: 600 }, (_, at) => spool.add(text(at)))
  const deeds: string[] = []
  storage.fail = (deed) => deeds.push(deed)
  storage.close = () => Promise.resolve(void deeds.push('close'))
  await spool.close()
  assert.equal((await Promise.all(added)).length, 600)
  assert.deepEqual(deeds.lastIndexOf('close'), deeds.length - 1)
})

test('a line has what comes together, up to 256 entries or two megabytes, and the log gets no more than it takes', async () => {
  const storage = new MemorySpool()
  const spool = open(storage, { maxBytes: 2 ** 26 })
  const large = (size: number) => ({ entry: Buffer.alloc(size, 'x'), bodies: [] })
  await Promise.all(Array.from({ length: 300 }, (_, at) => spool.add(text(at))))
  await Promise.all([1, 2, 3].map(() => spool.add(large(1_100_000))))
  await spool.add(large(3_200_000))
  const counts = parseLines(storage.file, storage.name).lines.map(({ line }) =>
    line.kind === 'SpoolEntries' ? line.entries.length : 0,
  )
  assert.deepEqual(counts, [0, 256, 44, 2, 1, 1])
  const forwarded: number[] = []
  for (let count = 1; count > 0;) forwarded.push((count = await spool.forward(new Target())))
  assert.deepEqual(forwarded, [256, 46, 1, 1, 0])
})

test('many small lines go into the log 256 entries at a time, and who asks for it twice gets it once', async () => {
  const spool = open(new MemorySpool())
  await fill(spool, 300)
  const target = new Target()
  const twice = [spool.forward(target), spool.forward(target)]
  assert.deepEqual(await Promise.all(twice), [256, 256])
  assert.equal(spool.standing.entries, 44)
  assert.equal(await spool.forward(target), 44)
  assert.deepEqual(target.entries, expected(300))
})

test('while entries are forwarded others are added, and none is lost or forwarded twice', async () => {
  const storage = new MemorySpool()
  const append = storage.append.bind(storage)
  storage.append = async (bytes) => {
    await new Promise((resolve) => setImmediate(resolve))
    await append(bytes)
  }
  const spool = open(storage, { maxEntries: 5000 })
  const target = new Target()
  const state = { done: false }
  const adding = (async () => {
    for (let round = 0; round < 40; round += 1)
      await Promise.all(Array.from({ length: 7 }, (_, at) => spool.add(text(round * 7 + at))))
    state.done = true
  })()
  while (!state.done) {
    await spool.forward(target)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await adding
  await open(storage.after()).open()
  await target.empty(spool)
  assert.deepEqual(target.entries, expected(280))
})

test('anything at all in the place of a spool is damage, not a crash', async () => {
  for (const bytes of ['\n', 'x\n', `${'0'.repeat(64)} {}\n`, '{"kind":"SpoolHead"}\n', '\0\0\n']) {
    const storage = new MemorySpool()
    storage.file = Buffer.from(bytes)
    const problem: unknown = await open(storage)
      .open()
      .catch((error: unknown) => error)
    assert.ok(problem instanceof SallyportError && problem.code === 'LOG_SPOOL_DAMAGED')
  }
})
