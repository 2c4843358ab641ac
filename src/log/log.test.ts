import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { hashSize, openCheckpoint, verifyTlogProof, type SigningRequest } from '#merkle'
import { openLog, openLogView, verifyLog, type CheckpointSigner } from './index.ts'
import { encodeRecord, journalStart, parseJournal } from './journal.ts'
import { failedFsync, Killed, MemoryDisk, tamper } from './testing/memory-storage.ts'
import { RememberingSigner, VolatileMemory } from './testing/remembering-signer.ts'
import { entries, entry, killedAt, Machine } from './testing/simulation.ts'
import { storageWith } from './testing/storage-with.ts'

test('a new log is empty, and its checkpoint is signed', async () => {
  const machine = new Machine(2)
  const log = await machine.start()
  assert.equal(log.size, 0)
  assert.equal(openCheckpoint(log.checkpoint(), machine.identity).size, 0)
  assert.ok((await machine.verify()).ok)
})

test('an append is answered with its index, and a checkpoint with it is published', async () => {
  const machine = new Machine()
  const log = await machine.start()
  const receipt = await log.append(entry(7))
  assert.equal(receipt.index, 0)
  assert.equal(log.size, 1)
  const logged = verifyTlogProof(await log.receipt(0), entry(7), machine.identity)
  assert.equal(logged.checkpoint.note, log.checkpoint())
  assert.equal(openCheckpoint(log.checkpoint(), machine.identity).size, 1)
})

test('what was appended can be read here at once, and by others as soon as it can be seen here', async () => {
  const machine = new Machine()
  const log = await machine.start()
  for (let at = 0; at < 20; at += 1) {
    await log.append(entry(at))
    assert.deepEqual(Buffer.from(await log.entry(at)), entry(at))
    const view = await openLogView(machine.disk.open(), machine.identity)
    assert.deepEqual(Buffer.from(await view.entry(at)), entry(at))
  }
})

test('appends that come together share a commit, in the order in which they came', async () => {
  const machine = new Machine()
  let commits = 0
  const log = await machine.start((step) => {
    if (step === 'remember') commits += 1
  })
  const receipts = await Promise.all(entries(0, 50).map((one) => log.append(one)))
  assert.deepEqual(
    receipts.map(({ index }) => index),
    Array.from({ length: 50 }, (_, at) => at),
  )
  assert.equal(commits, 1)
})

test('the caller may use its buffer again at once', async () => {
  const log = await new Machine().start()
  const buffer = Buffer.from('before')
  const appended = log.append(buffer)
  buffer.write('after!')
  const { index } = await appended
  assert.equal(Buffer.from(await log.entry(index)).toString(), 'before')
})

test('every entry can be listed, and each is proven', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 600).map((one) => log.append(one)))
  let next = 0
  for await (const { index, entry: bytes } of (await log.view()).entries()) {
    assert.equal(index, next)
    assert.deepEqual(Buffer.from(bytes), entry(next))
    next += 1
  }
  assert.equal(next, 600)
  const some: number[] = []
  for await (const { index } of (await log.view()).entries(255, 258)) some.push(index)
  assert.deepEqual(some, [255, 256, 257])
})

test('an index that the log has not is refused with the ones it has', async () => {
  const log = await new Machine().start()
  await log.append(entry(0))
  for (const index of [1, -1, 0.5, Number.NaN])
    await assert.rejects(log.entry(index), { code: 'LOG_ENTRY_UNKNOWN', expected: /from 0 to 0/ })
})

test('an entry has at most 65,535 bytes', async () => {
  const log = await new Machine().start()
  assert.equal((await log.append(new Uint8Array(65_535))).index, 0)
  await assert.rejects(log.append(new Uint8Array(65_536)), { code: 'LOG_ENTRY_TOO_LARGE' })
  assert.equal((await log.append(new Uint8Array(0))).index, 1)
  assert.equal((await log.entry(1)).length, 0)
})

test('more than can be held is refused before it is taken, and what was taken is logged', async () => {
  const log = await new Machine().start()
  const large = new Uint8Array(65_535)
  const results = await Promise.allSettled(Array.from({ length: 1100 }, () => log.append(large)))
  const refused = results.filter(({ status }) => status === 'rejected')
  assert.ok(refused.length > 0)
  assert.ok(refused.every((one) => 'reason' in one && codeOf(one.reason) === 'LOG_BUSY'))
  assert.equal(log.size, 1100 - refused.length)
})

test('closing waits for what was appended, and takes nothing more', async () => {
  const machine = new Machine()
  const log = await machine.start()
  const appended = log.append(entry(0))
  await log.close()
  assert.equal((await appended).index, 0)
  await assert.rejects(log.append(entry(1)), { code: 'LOG_CLOSED' })
  await log.close()
})

test('an old copy of the log is refused, with both sizes', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  await log.close()
  const old = copyOf(machine.disk)
  const next = await machine.start()
  await Promise.all(entries(300, 30).map((one) => next.append(one)))
  await next.close()
  await assert.rejects(openLog({ storage: old.open(), signer: signerOf(machine) }), {
    code: 'LOG_ROLLED_BACK',
    expected: /at least 330 entries/,
    found: '300 entries',
    fix: /30 entries that it remembers are missing/,
  })
})

test('what the signer remembers shows that a copy is old, to whoever verifies it', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  const old = copyOf(machine.disk)
  await Promise.all(entries(300, 30).map((one) => log.append(one)))
  await log.view()
  const remembered = await signerOf(machine).newest()
  assert.ok(remembered)
  const now = await verifyLog({ storage: machine.disk.open(), ...machine.identity, remembered })
  assert.deepEqual([now.ok, now.earlier, now.pending], [true, 1, 0])
  for (const storage of [old.open(), readOnly(old)]) {
    const report = await verifyLog({ storage, ...machine.identity, remembered })
    assert.deepEqual(
      report.problems.map(({ code }) => code),
      ['LOG_TRUNCATED'],
    )
  }
})

test('damage is reported although the signer remembers more than is published', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  await log.close()
  let begun = false
  const next = await machine.start((step) => {
    if (begun && step === 'sign') throw new Killed()
  })
  begun = true
  await next.append(entry(300))
  machine.disk.killAll()
  const remembered = await signerOf(machine).newest()
  assert.ok(remembered)
  const last = { index: 1, width: 44 } as const
  const report = async (damage: (disk: MemoryDisk) => void) => {
    const disk = copyOf(machine.disk)
    damage(disk)
    const { pending, problems } = await verifyLog({
      storage: disk.open(),
      ...machine.identity,
      remembered,
    })
    return [pending, ...problems.map(({ code, where }) => `${code} ${where}`)]
  }
  assert.deepEqual(await report(() => {}), [1])
  const removed = (level: 0 | 'entries') => (disk: MemoryDisk) =>
    tamper(disk, { level, ...last }, () => undefined)
  assert.deepEqual(await report(removed(0)), [0, 'LOG_TILE_MISSING tile/0/001.p/44'])
  assert.deepEqual(await report(removed('entries')), [0, 'LOG_TILE_MISSING tile/entries/001.p/44'])
  const [pending, ...altered] = await report((disk) =>
    tamper(disk, { level: 'entries', ...last }, altered666),
  )
  assert.equal(pending, 0)
  assert.match(String(altered[0]), /^LOG_ENTRY_/)
  // The tree is whole, and its journal no journal of this log.
  const head = { kind: 'head', checkpoint: 'no note' } as const
  const { bytes } = encodeRecord(head, journalStart, new Uint8Array(32))
  const journal = await report((disk) => (disk.journal = bytes))
  assert.deepEqual(journal, [0, 'LOG_CORRUPT head of the journal'])
})

test('an empty folder in the place of the log is refused', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await log.append(entry(0))
  await assert.rejects(openLog({ storage: new MemoryDisk().open(), signer: signerOf(machine) }), {
    code: 'LOG_ROLLED_BACK',
    found: '0 entries',
  })
})

test('a log whose signer has forgotten it is refused', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await log.append(entry(0))
  await log.close()
  machine.memory.note = undefined
  await assert.rejects(machine.start(), { code: 'LOG_MEMORY_MISSING' })
})

test('a log and a signer that has signed another history are refused', async () => {
  const [one, other] = [new Machine(), new Machine()]
  const logs = [await one.start(), await other.start()] as const
  for (let at = 0; at < 5; at += 1) {
    await logs[0].append(entry(at))
    await logs[1].append(entry(at + 100))
  }
  await logs[0].close()
  one.memory.note = other.memory.note
  await assert.rejects(one.start(), { code: 'LOG_FORKED' })
})

test('of two copies that go on with one signer, only one does', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 10).map((one) => log.append(one)))
  await log.close()
  const copy = copyOf(machine.disk)
  const [one, two] = [
    await machine.start(),
    await openLog({ storage: copy.open(), signer: signerOf(machine) }),
  ]
  await one.append(entry(10))
  await assert.rejects(two.append(entry(11)), { code: 'LOG_FORKED' })
  await one.append(entry(12))
  await assert.rejects(two.append(entry(13)), { code: 'LOG_ROLLED_BACK' })
  assert.equal(one.size, 12)
})

test('a log goes on with a signer whose memory is older than its checkpoint', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  const old = machine.memory.note
  await Promise.all(entries(300, 300).map((one) => log.append(one)))
  await log.close()
  machine.memory.note = old
  const next = await machine.start()
  assert.equal(next.size, 600)
  assert.equal((await next.append(entry(600))).index, 600)
})

test('a copy of the public files alone is taken up, when it is the newest', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  await log.close()
  machine.disk.journal = undefined
  const next = await machine.start()
  assert.equal((await next.append(entry(300))).index, 300)
  await next.close()
  assert.ok((await machine.verify()).ok)
})

for (const path of ['tile/0/001.p/44', 'tile/entries/001.p/44', 'tile/1/000.p/1', 'checkpoint'])
  test(`a log is not opened on a damaged edge: ${path}`, async () => {
    const machine = new Machine()
    const log = await machine.start()
    await Promise.all(entries(0, 300).map((one) => log.append(one)))
    await log.close()
    const bytes = Buffer.from(machine.disk.files.get(path) ?? assert.fail())
    bytes[bytes.length - 5] = (bytes[bytes.length - 5] ?? 0) ^ 1
    machine.disk.files.set(path, bytes)
    await assert.rejects(machine.start(), (problem) =>
      ['LOG_CORRUPT', 'LOG_ENTRY_ALTERED'].includes(codeOf(problem) ?? ''),
    )
  })

test('a journal that was damaged where it was signed is refused, not cut off', async () => {
  const machine = new Machine()
  const log = await machine.start(undefined, { journalBytes: 1e6, unsettledTiles: 100 })
  for (let at = 0; at < 5; at += 1) await log.append(entry(at))
  machine.disk.killAll()
  const journal = Buffer.from(machine.disk.journal ?? assert.fail())
  journal[journal.length - 40] = (journal[journal.length - 40] ?? 0) ^ 1
  machine.disk.journal = journal
  machine.failPower(() => 'lost')
  await assert.rejects(machine.start(), { code: 'LOG_CORRUPT', found: /damage after entry 4/ })
})

test('processes take turns, and no index is given twice', async () => {
  const machine = new Machine()
  const logs = await Promise.all(Array.from({ length: 3 }, () => machine.start()))
  const receipts = await Promise.all(
    logs.flatMap((log, at) => entries(at * 1000, 100).map((one) => log.append(one))),
  )
  const checkpoints: string[] = []
  for (let at = 0; at < 30; at += 1) {
    const log = logs[at % 3] ?? assert.fail()
    receipts.push(await log.append(entry(9000 + at)))
    checkpoints.push((await log.view()).checkpoint.note)
  }
  const indexes = receipts.map(({ index }) => index).toSorted((a, b) => a - b)
  assert.deepEqual(
    indexes,
    Array.from({ length: 330 }, (_, at) => at),
  )
  for (const log of logs) await log.close()
  assert.ok((await machine.verify(checkpoints)).ok)
})

test('a batch that one process staged and no signer remembers is taken up by the next process', async () => {
  const machine = new Machine()
  const [one, two] = [await machine.start(), await machine.start()]
  await one.append(entry(0))
  const dead = await machine.start((step) => {
    if (step === 'remember') throw unreachable()
  })
  await assert.rejects(dead.append(entry(1)), { code: 'LOG_BUSY' })
  assert.equal((await two.append(entry(2))).index, 2)
  assert.equal((await one.append(entry(3))).index, 3)
  for (const at of [0, 1, 2, 3]) assert.deepEqual(Buffer.from(await one.entry(at)), entry(at))
})

for (const how of [
  'no seal',
  'the seal of another key',
  'of another batch',
  'of another place',
] as const)
  test(`a batch that nobody with the signer put into the journal is not in the log: ${how}`, async () => {
    const machine = new Machine()
    const first = await machine.start()
    await first.append(entry(0))
    await first.close()
    const { journal = assert.fail() } = machine.disk
    const { digest, end } = parseJournal(journal, journalStart)
    const key = how === 'the seal of another key' ? Buffer.alloc(32) : signerOf(machine).journalKey
    const place = how === 'of another place' ? journalStart : digest
    const batch = { kind: 'batch', size: 1 } as const
    const [one, other] = [entry(666), entry(1)].map((entry) =>
      encodeRecord({ ...batch, entries: [entry] }, place, key).bytes.subarray(5, -hashSize),
    )
    assert.ok(one !== undefined && other !== undefined)
    const seal = (how === 'of another batch' ? other : one).subarray(0, hashSize)
    const [kind, begin] = how === 'no seal' ? [2, Buffer.alloc(0)] : [3, seal]
    const payload = Buffer.concat([begin, one.subarray(hashSize)])
    const forged = recordOf(kind, payload, digest).bytes
    machine.disk.journal = Buffer.concat([journal.subarray(0, end), forged])
    // A whole record in its place, but for the seal.
    const { records } = parseJournal(machine.disk.journal, journalStart)
    assert.deepEqual([records.at(-1)?.kind, records.length], ['batch', 2])
    const log = await machine.start()
    assert.equal(log.size, 1)
    assert.equal((await log.append(entry(1))).index, 1)
    assert.deepEqual(Buffer.from(await log.entry(1)), entry(1))
    await log.close()
    assert.equal((await machine.start()).size, 2)
    assert.ok((await machine.verify()).ok)
  })

test('a journal of before there were seals is recovered as far as the signer remembers', async () => {
  const machine = await killedAt('remembered')
  const { journal = assert.fail() } = machine.disk
  const [head] = parseJournal(journal, journalStart).records
  assert.ok(head !== undefined)
  const begun = encodeRecord(head, journalStart, journalStart)
  const parts = [begun.bytes]
  let { digest } = begun
  for (const size of [0, 1]) {
    const batch = { kind: 'batch', size, entries: entries(size, 1) } as const
    const sealed = encodeRecord(batch, digest, journalStart).bytes
    const next = recordOf(2, sealed.subarray(5 + hashSize, -hashSize), digest)
    parts.push(next.bytes)
    digest = next.digest
  }
  machine.disk.journal = Buffer.concat(parts)
  const next = await machine.start()
  assert.equal(next.size, 1)
  assert.deepEqual(Buffer.from(await next.entry(0)), entry(0))
})

test('a signer that cannot be reached fails the append, and the log goes on when it can', async () => {
  const machine = new Machine()
  let down = false
  const log = await machine.start((step) => {
    if (down && (step === 'remember' || step === 'sign')) throw unreachable()
  })
  await log.append(entry(0))
  down = true
  await assert.rejects(log.append(entry(1)), { code: 'LOG_BUSY' })
  await assert.rejects(log.append(entry(2)), { code: 'LOG_BUSY' })
  down = false
  // The first of them was staged: it is in the log, and nothing of it is staged twice.
  assert.equal((await log.append(entry(3))).index, 2)
  assert.deepEqual(Buffer.from(await log.entry(1)), entry(1))
  await log.close()
  assert.ok((await machine.verify()).ok)
})

test('a signer that remembers but could not say so has its entry taken up by the next append', async () => {
  const machine = new Machine()
  let silent = false
  const log = await machine.start((step) => {
    if (silent && step === 'remembered') throw unreachable()
  })
  silent = true
  await assert.rejects(log.append(entry(0)), { code: 'LOG_BUSY' })
  silent = false
  assert.equal((await log.append(entry(1))).index, 1)
  assert.deepEqual(Buffer.from(await log.entry(0)), entry(0))
})

test('a signer that signs something else is not believed', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await log.append(entry(0))
  const signer = signerOf(machine)
  const { note } = (await log.view()).checkpoint
  const confused = { ...facade(signer), sign: async () => note }
  const other = await openLog({ storage: machine.disk.open(), signer: confused })
  // It is durable, and the signer remembers it: that it is in the log is true.
  assert.equal((await other.append(entry(1))).index, 1)
  await assert.rejects(other.view(), { code: 'CHECKPOINT_UNEXPECTED' })
  await assert.rejects(other.append(entry(2)), { code: 'CHECKPOINT_UNEXPECTED' })
  await assert.rejects(
    openLog({
      storage: new MemoryDisk().open(),
      signer: { ...confused, newest: async () => undefined },
    }),
    { code: 'CHECKPOINT_UNEXPECTED' },
  )
})

test('a signature that does not verify is never published, and no entry is lost by it', async () => {
  const machine = new Machine(2)
  const log = await machine.start()
  await log.append(entry(0))
  const before = (await log.view()).checkpoint.note
  const signer = signerOf(machine)
  const careless: CheckpointSigner = {
    ...facade(signer),
    sign: async (request) => (await signer.sign(request)).replace(/^(— .{60})(.)/m, swapped),
  }
  const other = await openLog({ storage: machine.disk.open(), signer: careless })
  // It is durable, and the signer remembers it: that it is in the log is true.
  assert.equal((await other.append(entry(1))).index, 1)
  await assert.rejects(other.view(), { code: 'NOTE_SIGNATURE_INVALID' })
  await assert.rejects(other.append(entry(2)), { code: 'NOTE_SIGNATURE_INVALID' })
  assert.equal(Buffer.from(machine.disk.files.get('checkpoint') ?? '').toString(), before)
  const repaired = await machine.start()
  assert.deepEqual(Buffer.from(await repaired.entry(1)), entry(1))
  await repaired.close()
  assert.ok((await machine.verify([before])).ok)
})

for (const grown of [200, 700])
  test(`a tile of the newest durable tree is not removed before the full one is durable: ${grown} more entries`, async () => {
    const machine = new Machine()
    // Nothing is made durable for the number of its tiles, and no journal is replaced.
    const limits = { journalBytes: 2 ** 30, unsettledTiles: 1000 }
    const first = await machine.start(undefined, limits)
    await Promise.all(entries(0, 100).map((one) => first.append(one)))
    await first.close()
    const log = await machine.start(undefined, limits)
    await Promise.all(entries(100, grown).map((one) => log.append(one)))
    await log.view()
    // What it removes beside the commits, it has removed.
    for (let turn = 0; turn < 50; turn += 1) await nextTurn()
    assert.equal(machine.disk.files.has('tile/0/000.p/100'), false)
    machine.failPower(() => 'lost')
    const next = await machine.start()
    assert.equal(next.size, 100 + grown)
    assert.deepEqual(Buffer.from(await next.entry(7)), entry(7))
    assert.deepEqual(Buffer.from(await next.entry(99 + grown)), entry(99 + grown))
    assert.ok((await machine.verify()).ok)
  })

test('what somebody changes in a journal is not carried over into the next one', async () => {
  const machine = new Machine()
  const seen = { replaced: 0, altered: 0 }
  const storage = storageWith(machine, {
    beforeSettle: async () => new Promise((resolve) => setTimeout(resolve, 20)),
    beforeReplace: () => (seen.replaced += 1),
    afterRead: (bytes, from) => {
      if (from === 0 || bytes.length === 0) return bytes
      const { journal = assert.fail() } = machine.disk
      let { digest } = parseJournal(journal.subarray(0, from), journalStart)
      seen.altered += 1
      const records = parseJournal(bytes, digest).records.map((record) => {
        const altered =
          record.kind === 'head' ? record : { ...record, entries: record.entries.map(altered666) }
        const next = encodeRecord(altered, digest, signerOf(machine).journalKey)
        digest = next.digest
        return next.bytes
      })
      return Buffer.concat(records)
    },
  })
  const limits = { publishAfter: 0, journalBytes: 20_000, unsettledTiles: 1000 }
  const log = await openLog({ storage, signer: signerOf(machine), limits })
  const before = seen.replaced
  let made = 0
  // Several at once: there are commits beside the housekeeping, and their batches go on into the next journal.
  const one = async (): Promise<void> => {
    while ((seen.replaced === before || seen.altered === 0) && made < 5000)
      await log.append(entry(made++))
  }
  await Promise.all(Array.from({ length: 8 }, one))
  assert.ok(seen.altered > 0)
  machine.failPower(() => 'lost', 'kept')
  const next = await machine.start()
  assert.equal(next.size, made)
  const found: string[] = []
  for await (const { entry } of (await next.view()).entries())
    found.push(Buffer.from(entry).toString())
  assert.equal(found.filter((text) => text.startsWith('6')).length, 0)
})

test('a journal that is too long is replaced beside the commits, and what comes after it is in the new one', async () => {
  const machine = new Machine()
  let settling = Promise.withResolvers<void>()
  const seen = { replaced: 0 }
  const slow = storageWith(machine, {
    beforeSettle: async () => settling.promise,
    beforeReplace: () => (seen.replaced += 1),
  })
  settling.resolve()
  const limits = { publishAfter: 0, journalBytes: 20_000, unsettledTiles: 1000 }
  const log = await openLog({ storage: slow, signer: signerOf(machine), limits })
  settling = Promise.withResolvers()
  const before = seen.replaced
  let made = 0
  const grow = async (bytes: number): Promise<void> => {
    while ((machine.disk.journal?.length ?? 0) < bytes) await log.append(entry(made++))
  }
  await grow(30_000)
  // The disk is slow, and nobody waits for it.
  assert.equal(seen.replaced, before)
  settling.resolve()
  while (seen.replaced === before) await log.append(entry(made++))
  assert.ok((machine.disk.journal?.length ?? Infinity) < 20_000)
  for (let more = 0; more < 5; more += 1) await log.append(entry(made++))
  machine.failPower(() => 'lost')
  const next = await machine.start()
  assert.equal(next.size, made)
  for (const at of [0, 255, 256, made - 1])
    assert.deepEqual(Buffer.from(await next.entry(at)), entry(at))
  assert.ok((await machine.verify()).ok)
})

test('wherever the power fails while a journal is replaced, the tree of the old one is whole', async () => {
  for (let at = 1; ; at += 1) {
    const machine = new Machine()
    const limits = { journalBytes: 2 ** 30, unsettledTiles: 1000 }
    const first = await machine.start(undefined, limits)
    await Promise.all(entries(0, 100).map((one) => first.append(one)))
    await first.close()
    let count = 0
    let [dead, closing] = [false, false]
    const log = await machine.start(() => {
      dead ||= closing && ++count === at
      if (dead) throw new Killed()
    }, limits)
    await Promise.all(entries(100, 200).map((one) => log.append(one)))
    closing = true
    await log.close().catch(() => undefined)
    machine.failPower(() => 'lost')
    const next = await machine.start()
    assert.equal(next.size, 300)
    assert.deepEqual(Buffer.from(await next.entry(7)), entry(7))
    assert.ok((await machine.verify()).ok)
    if (!dead) return
  }
})

for (const step of ['append journal', 'write'] as const)
  test(`after a write that may not be durable nothing is appended any more: ${step}`, async () => {
    const machine = new Machine()
    let failing = false
    const log = await machine.start((at) => {
      if (failing && at === step) throw failedFsync()
    })
    await log.append(entry(0))
    failing = true
    const results = await Promise.allSettled(entries(1, 3).map((one) => log.append(one)))
    // What was durable and signed before the tiles could not be written is answered, and stays.
    const answered = results.filter(({ status }) => status === 'fulfilled').length
    if (step === 'append journal') assert.equal(answered, 0)
    await Promise.allSettled([log.view()])
    failing = false
    await assert.rejects(log.append(entry(4)), { code: 'LOG_STORAGE_FAILED' })
    await log.close()
    machine.disk.killAll()
    const next = await machine.start()
    for (let index = 0; index <= answered; index += 1)
      assert.deepEqual(Buffer.from(await next.entry(index)), entry(index))
    assert.ok((await machine.verify()).ok)
  })

for (const step of ['settle', 'prune', 'replace journal'] as const)
  test(`a failure of the housekeeping loses no answer, and ends the log: ${step}`, async () => {
    const machine = new Machine()
    let failing = false
    const log = await machine.start((at) => {
      if (failing && at === step) throw failedFsync()
    })
    failing = true
    const receipts = await Promise.all(entries(0, 600).map((one) => log.append(one)))
    assert.equal(receipts.length, 600)
    const checkpoint = log.checkpoint()
    await assert.rejects(
      async () => {
        for (let at = 600; at < 700; at += 1) await log.append(entry(at))
      },
      { code: 'LOG_STORAGE_FAILED' },
    )
    machine.failPower(() => 'lost')
    const next = await machine.start()
    assert.ok(next.size >= 600)
    assert.deepEqual(Buffer.from(await next.entry(599)), entry(599))
    assert.ok((await machine.verify([checkpoint])).ok)
  })

for (const step of [
  'append journal',
  'append half of the journal',
  'write',
  'settle',
  'replace journal',
] as const)
  test(`a full disk fails the append, and the log goes on when there is room again: ${step}`, async () => {
    const machine = new Machine()
    let full = false
    const log = await machine.start((at) => {
      if (full && at === step) throw fullDisk()
    })
    await Promise.all(entries(0, 10).map((one) => log.append(one)))
    full = true
    const refused: number[] = []
    for (let at = 10; at < 400; at += 1)
      await log.append(entry(at)).catch((problem: unknown) => {
        assert.equal(codeOf(problem), 'LOG_STORAGE_FULL')
        refused.push(at)
      })
    full = false
    const { index } = await log.append(entry(1000))
    assert.deepEqual(Buffer.from(await log.entry(index)), entry(1000))
    await log.close()
    const report = await machine.verify()
    assert.deepEqual(report.problems, [])
    assert.ok(report.size >= 401 - refused.length)
  })

function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = new MemoryDisk()
  copy.files = new Map(disk.files)
  copy.journal = disk.journal
  return copy
}

function readOnly(disk: MemoryDisk) {
  const storage = disk.open()
  return { read: async (path: string) => storage.read(path) }
}

function signerOf(machine: Machine): RememberingSigner {
  return new RememberingSigner(machine.memory, machine.keys)
}

function facade(signer: RememberingSigner) {
  const { origin, verifierKeys, journalKey } = signer
  return {
    origin,
    verifierKeys,
    journalKey,
    newest: async () => signer.newest(),
    remember: async (request: SigningRequest) => signer.remember(request),
  }
}

function unreachable(): SallyportError {
  return problem('LOG_BUSY', 'no answer of the signer')
}

function fullDisk(): SallyportError {
  return problem('LOG_STORAGE_FULL', 'ENOSPC: no space left on device, write')
}

function problem(code: 'LOG_BUSY' | 'LOG_STORAGE_FULL', found: string): SallyportError {
  return new SallyportError({ code, expected: 'nothing wrong', found, fix: 'Try again.' })
}

function codeOf(problem: unknown): string | undefined {
  return problem instanceof SallyportError ? problem.code : undefined
}

test('partial tiles are removed under load, too', async () => {
  const disk = new MemoryDisk()
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  const log = await openLog({ storage: disk.open(), signer, limits: { publishAfter: 0 } })
  let [made, most] = [0, 0]
  const one = async (): Promise<void> => {
    while (made < 3000) {
      await log.append(entry(made++))
      most = Math.max(most, [...disk.files.keys()].filter((path) => path.includes('.p/')).length)
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  await log.close()
  // One publication makes a partial tile or two; each 256 entries remove all of them.
  assert.ok(most < 400, `${most} partial tiles`)
})

test('entries that trickle in are published now and then, and at once for who waits for them or closes', async () => {
  const disk = new MemoryDisk()
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  let published = 0
  const storage = disk.open((step, path) => {
    if (step === 'write' && path === 'checkpoint') published += 1
  })
  const log = await openLog({ storage, signer, limits: { publishAfter: 60_000, turn: 1 } })
  const before = published
  // The first is published at once: who asks once a minute need not wait to see it.
  await log.append(entry(0))
  assert.equal((await log.view()).size, 1)
  for (let number = 1; number < 10; number += 1) {
    await log.append(entry(number))
    await new Promise((resolve) => setTimeout(resolve, 3))
  }
  assert.equal(published - before, 1)
  assert.equal((await log.view()).size, 10)
  assert.equal(published - before, 2)
  await log.append(entry(10))
  await log.close()
  assert.equal(published - before, 3)
  const view = await openLogView(disk.open(), {
    origin: signer.origin,
    verifierKeys: signer.verifierKeys,
  })
  assert.equal(view.size, 11)
})

test('whoever waits to see what is there now does not wait for what others append meanwhile', async () => {
  const disk = new MemoryDisk()
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  let signed = 0
  const slow = facade(signer)
  const sign = async (request: SigningRequest): Promise<string> => {
    const note = await signer.sign(request)
    signed += 1
    // Commits go on meanwhile.
    await new Promise((resolve) => setTimeout(resolve, 3))
    return note
  }
  const log = await openLog({
    storage: disk.open(),
    signer: { ...slow, sign },
    limits: { publishAfter: 60_000 },
  })
  await log.append(entry(0))
  await log.view()
  let made = 1
  const until = { seen: false }
  const one = async (): Promise<void> => {
    while (made < 5000 && !until.seen) await log.append(entry(made++))
  }
  const appending = Promise.all(Array.from({ length: 8 }, one))
  while (log.size < 100) await nextTurn()
  const [size, before] = [log.size, signed]
  const seen = await log.view()
  until.seen = true
  assert.ok(seen.size >= size)
  assert.ok(made < 5000, `${made} entries were made until ${size} could be seen`)
  // What was being published already, and what it waited for.
  assert.ok(signed - before <= 2, `${signed - before} publications`)
  await appending
  await log.close()
})

// Half of what they would wait for the publication.
const timeout = 30_000

test(
  'others who want the lock get it while entries wait for their publication',
  { timeout },
  async () => {
    const disk = new MemoryDisk()
    const memory = new VolatileMemory()
    const limits = { publishAfter: 60_000, turn: 1 }
    const open = () =>
      openLog({ storage: disk.open(), signer: new RememberingSigner(memory, 1), limits })
    const [one, other] = [await open(), await open()]
    for (let number = 0; number < 6; number += 1)
      assert.equal((await (number % 2 === 0 ? one : other).append(entry(number))).index, number)
    await one.close()
    await other.close()
  },
)

const altered666 = (bytes: Uint8Array): Uint8Array => Buffer.alloc(bytes.length, '6')

/** A record of the journal, by its bytes. */
function recordOf(kind: number, payload: Uint8Array, previous: Uint8Array) {
  const header = Buffer.of(0, 0, 0, payload.length, kind)
  const chained = Buffer.concat([previous, header.subarray(4), payload])
  const digest = createHash('sha256').update(chained).digest()
  return { bytes: Buffer.concat([header, payload, digest]), digest }
}

const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

function swapped(_: string, before: string, letter: string): string {
  return `${before}${letter === 'A' ? 'B' : 'A'}`
}
