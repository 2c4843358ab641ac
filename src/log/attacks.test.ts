import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import {
  encodeEntry,
  hashLeaf,
  splitEntries,
  tilePath,
  TreeEdge,
  verifyTlogProof,
  type TilePosition,
} from '#merkle'
import { SallyportError } from '#error'
import { openLogView, type LogReport } from './index.ts'
import { tamper } from './testing/memory-storage.ts'
import { entries, entry, Machine } from './testing/simulation.ts'

// 600 entries: two full bundles and a partial one, two levels of tiles. Checkpoints of several sizes.
const size = 600
const bundles: readonly TilePosition[] = [
  { level: 'entries', index: 0, width: 256 },
  { level: 'entries', index: 1, width: 256 },
  { level: 'entries', index: 2, width: 88 },
]
const leaves = bundles.map((bundle) => ({ ...bundle, level: 0 }))
const top: TilePosition = { level: 1, index: 0, width: 2 }
const [first, second, third] = bundles as [TilePosition, TilePosition, TilePosition]
const earlier: string[] = []
let machine: Machine
let pristine: Map<string, Uint8Array>

before(async () => {
  machine = new Machine(2)
  const log = await machine.start()
  for (let at = 0; at < size; at += 100) {
    await Promise.all(entries(at, 100).map((one) => log.append(one)))
    earlier.push((await log.view()).checkpoint.note)
  }
  await log.close()
  pristine = new Map(machine.disk.files)
})

test('the untouched log verifies, against every earlier checkpoint', async () => {
  const report = await attack(() => {})
  assert.ok(report.ok)
  assert.equal(report.earlier, 6)
  assert.deepEqual(
    report.signatures.map(({ key }) => key.type),
    ['ed25519', 'ml-dsa-44'],
  )
})

for (const index of [0, 255, 256, 300, 511, 512, 599])
  test(`an altered entry is named: ${index}`, async () => {
    const report = await attack(() => changeEntries((all) => all.with(index, Buffer.from('{}'))))
    assert.deepEqual(found(report), [`LOG_ENTRY_ALTERED entry ${index}`])
    const [problem] = report.problems
    const bundle = bundles[Math.floor(index / 256)] ?? assert.fail()
    assert.ok(problem)
    assert.ok(problem.fix.includes(`"${tilePath(bundle)}"`), 'the fix names the file as it is')
    assert.match(problem.expected, new RegExp(leafHash(entry(index)).replaceAll('+', '\\+')))
    await refusesToRead(index)
  })

for (const index of [0, 254, 255, 256, 511, 512, 599])
  test(`a removed entry is named, though all others move up: ${index}`, async () => {
    const report = await attack(() => changeEntries((all) => all.toSpliced(index, 1)))
    assert.deepEqual(found(report), [`LOG_ENTRY_REMOVED entry ${index}`])
  })

for (const index of [0, 255, 256, 599])
  test(`an added entry is named, though all others move down: ${index}`, async () => {
    const report = await attack(() => changeEntries((all) => all.toSpliced(index, 0, entry(9999))))
    assert.deepEqual(found(report), [`LOG_ENTRY_ADDED entry ${index}`])
  })

for (const [one, other] of [
  [3, 4],
  [0, 255],
  [255, 256],
  [10, 400],
  [511, 599],
] as const)
  test(`reordered entries are named: ${one} and ${other}`, async () => {
    const report = await attack(() =>
      changeEntries((all) => all.with(one, entry(other)).with(other, entry(one))),
    )
    assert.ok(report.problems.every(({ code }) => code === 'LOG_ENTRY_REORDERED'))
    const named = report.problems.map(({ where }) => where)
    assert.ok(named.includes(`entry ${one}`) || named.includes(`entry ${other}`))
  })

test('an entry moved far away is named', async () => {
  const report = await attack(() =>
    changeEntries((all) => all.toSpliced(20, 1).toSpliced(500, 0, entry(20))),
  )
  assert.deepEqual(found(report), ['LOG_ENTRY_REORDERED entry 20'])
})

test('a bundle that was cut off is found out', async () => {
  const report = await attack(() => tamper(machine.disk, second, (bytes) => bytes.subarray(0, -3)))
  assert.deepEqual(found(report), ['LOG_ENTRY_ALTERED entry 511'])
})

test('bytes after the entries are found out', async () => {
  const report = await attack(() =>
    tamper(machine.disk, third, (bytes) => Buffer.concat([bytes, Buffer.alloc(2)])),
  )
  assert.deepEqual(found(report), ['LOG_ENTRY_ADDED entry 600'])
})

test('a bundle of a million empty entries is found out, quickly', async () => {
  const report = await attack(() => tamper(machine.disk, first, () => Buffer.alloc(2_000_000)))
  assert.ok(report.problems.some(({ code }) => code === 'LOG_ENTRY_ALTERED'))
})

for (const bundle of bundles)
  test(`a missing bundle is named: ${tilePath(bundle)}`, async () => {
    const report = await attack(() => tamper(machine.disk, bundle, () => undefined))
    assert.deepEqual(found(report), [`LOG_TILE_MISSING ${tilePath(bundle)}`])
  })

for (const tile of [...leaves, top])
  test(`an altered or missing tile is named, and what is below it is still proven: ${tilePath(tile)}`, async () => {
    const path = tilePath(tile)
    const altered = await attack(() => tamper(machine.disk, tile, flipFirst))
    assert.deepEqual(found(altered), [`LOG_TILE_ALTERED ${path}`])
    const short = await attack(() => tamper(machine.disk, tile, (bytes) => bytes.subarray(1)))
    assert.deepEqual(found(short), [`LOG_TILE_MISSING ${path}`])
    const missing = await attack(() => tamper(machine.disk, tile, () => undefined))
    assert.deepEqual(found(missing), [`LOG_TILE_MISSING ${path}`])
  })

test('two tiles that were swapped are both named', async () => {
  const report = await attack(() => {
    const { files } = machine.disk
    const [a, b] = ['tile/0/000', 'tile/0/001'] as const
    files.set(a, pristine.get(b) ?? assert.fail())
    files.set(b, pristine.get(a) ?? assert.fail())
  })
  assert.deepEqual(found(report), ['LOG_TILE_ALTERED tile/0/000', 'LOG_TILE_ALTERED tile/0/001'])
})

test('an entry that was altered with its tile is narrowed down to its bundle', async () => {
  const report = await attack(() => {
    changeEntries((all) => all.with(300, Buffer.from('{}')))
    rehash(second)
  })
  assert.deepEqual(found(report), ['LOG_ENTRY_ALTERED entries 256 to 511'])
})

test('an entry that was altered with its partial tile is narrowed down to the edge', async () => {
  const report = await attack(() => {
    changeEntries((all) => all.with(550, Buffer.from('{}')))
    rehash(third)
  })
  assert.ok(found(report).includes('LOG_ENTRY_ALTERED entries 512 to 599'))
  assert.ok(found(report).includes(`LOG_ROOT_MISMATCH tree of ${size} entries`))
})

test('an entry that was altered with all tiles above it does not lead to the signed root', async () => {
  const report = await attack(() => rewriteTree((all) => all.with(300, Buffer.from('{}'))))
  assert.ok(found(report).includes(`LOG_ROOT_MISMATCH tree of ${size} entries`))
})

test('a history that was rewritten and signed anew is found out by an earlier checkpoint, and narrowed down', async () => {
  const forged = new Machine(2)
  const log = await forged.start()
  const other = entries(0, size).with(300, Buffer.from('{}'))
  await Promise.all(other.map((one) => log.append(one)))
  await log.close()
  assert.ok((await forged.verify()).ok, 'nothing is wrong with it as long as nobody kept anything')
  const report = await forged.verify(earlier)
  assert.deepEqual(
    found(report),
    [400, 500, 600].map((at) => `LOG_HISTORY_CHANGED earlier checkpoint of size ${at}`),
  )
  assert.match(report.problems[0]?.fix ?? '', /entries 300 to 399/)
})

test('a log that was cut back to an old checkpoint is found out by a later one', async () => {
  const report = await attack(() => {
    machine.disk.files.set('checkpoint', Buffer.from(earlier[2] ?? ''))
  })
  // What belongs to the old tree is still there: only who has seen more can tell.
  assert.deepEqual(
    found(report),
    [400, 500, 600].map((at) => `LOG_TRUNCATED earlier checkpoint of size ${at}`),
  )
})

test('an earlier checkpoint counts only when it is signed', async () => {
  machine.disk.files = new Map(pristine)
  const forged = (earlier[2] ?? '').replace('\n300\n', '\n301\n')
  const report = await machine.verify([forged])
  assert.deepEqual(found(report), ['NOTE_SIGNATURE_INVALID earlier checkpoint 1 of 1'])
})

test('a checkpoint that is not signed by the keys of the log is not believed', async () => {
  await assert.rejects(
    attack(() => {
      const note = Buffer.from(pristine.get('checkpoint') ?? '').toString()
      machine.disk.files.set('checkpoint', Buffer.from(note.replace('\n600\n', '\n599\n')))
    }),
    { code: 'NOTE_SIGNATURE_INVALID' },
  )
})

test('a folder without a log is no log', async () => {
  await assert.rejects(
    attack(() => machine.disk.files.clear()),
    { code: 'LOG_NOT_FOUND' },
  )
})

test('a receipt is good for its entry and its log, and for nothing else', async () => {
  machine.disk.files = new Map(pristine)
  const view = await openLogView(machine.disk.open(), machine.identity)
  for (const index of [0, 1, 255, 256, 511, 512, 599]) {
    const receipt = await view.receipt(index)
    const logged = verifyTlogProof(receipt, entry(index), machine.identity)
    assert.equal(logged.index, index)
    assert.throws(() => verifyTlogProof(receipt, entry(index + 1), machine.identity), {
      code: 'INCLUSION_PROOF_INVALID',
    })
  }
})

test('no single changed character of a receipt goes unnoticed', async () => {
  machine.disk.files = new Map(pristine)
  const view = await openLogView(machine.disk.open(), machine.identity)
  const receipt = await view.receipt(300)
  // The signatures make most of it; every 40th character of them, and every one before.
  const head = receipt.indexOf('—')
  for (let at = 0; at < receipt.length; at += at < head ? 1 : 40) {
    const other = receipt[at] === 'A' ? 'B' : 'A'
    const changed = receipt.slice(0, at) + other + receipt.slice(at + 1)
    assert.throws(() => verifyTlogProof(changed, entry(300), machine.identity), SallyportError)
  }
})

async function attack(change: () => void): Promise<LogReport> {
  machine.disk.files = new Map(pristine)
  change()
  return machine.verify(earlier)
}

async function refusesToRead(index: number): Promise<void> {
  const view = await openLogView(machine.disk.open(), machine.identity)
  await assert.rejects(view.entry(index), { code: 'LOG_CORRUPT' })
  await assert.rejects(view.receipt(index), { code: 'LOG_CORRUPT' })
}

function found({ problems }: LogReport): string[] {
  return problems.map(({ code, where }) => `${code} ${where}`)
}

/** Changes the entries, and cuts them into bundles again; whatever no longer fits stays in the last. */
function changeEntries(change: (all: readonly Uint8Array[]) => readonly Uint8Array[]): void {
  const all = change(bundles.flatMap((bundle) => splitEntries(read(bundle)) ?? []))
  for (const [at, bundle] of bundles.entries()) {
    const last = at === bundles.length - 1
    const mine = all.slice(at * 256, last ? undefined : (at + 1) * 256)
    machine.disk.files.set(tilePath(bundle), Buffer.concat(mine.map(encodeEntry)))
  }
}

/** Makes the level-0 tile fit its bundle. */
function rehash(bundle: TilePosition): void {
  const hashes = (splitEntries(read(bundle)) ?? []).map(hashLeaf)
  machine.disk.files.set(tilePath({ ...bundle, level: 0 }), Buffer.concat(hashes))
}

function rewriteTree(change: (all: readonly Uint8Array[]) => readonly Uint8Array[]): void {
  const all = change(bundles.flatMap((bundle) => splitEntries(read(bundle)) ?? []))
  for (const tile of TreeEdge.empty.extend(all).tiles())
    machine.disk.files.set(tilePath(tile), tile.bytes)
}

function read(position: TilePosition): Uint8Array {
  return machine.disk.files.get(tilePath(position)) ?? assert.fail()
}

function flipFirst(bytes: Buffer): Buffer {
  bytes[0] = (bytes[0] ?? 0) ^ 1
  return bytes
}

function leafHash(bytes: Uint8Array): string {
  return Buffer.from(hashLeaf(bytes)).toString('base64')
}
