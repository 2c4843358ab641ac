import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { sha256Hex } from '#document'
import { openLog, openLogView, type LogView } from '#log'
import {
  openCheckpoint,
  parseSignerKey,
  parseVerifierKey,
  proveConsistency,
  proveInclusion,
  tileNodes,
  tilePath,
  treeRoot,
} from '#merkle'
import { openFileLogStorage } from '#store'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'
import { install } from './tool-cache.ts'

// Made from golang.org/x/mod, transparency-dev/tessera and transparency-dev/formats, at the versions in go.sum.
const source = join(import.meta.dirname, 'tlog-go')
const version = sha256Hex(
  ['main.go', 'go.mod', 'go.sum'].map((file) => readFileSync(join(source, file), 'utf8')).join(),
)
const reader = install({
  name: `tlog-go-${version.slice(0, 16)}`,
  file: 'tlog-go',
  commands: [
    ['go', '-C', source, 'mod', 'download'],
    ['go', '-C', source, 'build', '-o', '$FOLDER/tlog-go', '.'],
  ],
  env: { GOFLAGS: '-buildvcs=false -mod=readonly', CGO_ENABLED: '0' },
  timeoutMinutes: 10,
})
const options = 'reason' in reader ? { skip: `skipped: ${reader.reason}` } : {}

// Three levels of tiles, each with a partial one.
const size = 65_536 + 256 + 7
const text = (index: number): Buffer => Buffer.from(`{"decision":${index}}`)
let home: string
let folder: string
let view: LogView
let signer: RememberingSigner

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'sallyport-tlog-'))
  if ('reason' in reader) return
  folder = join(home, 'log')
  signer = new RememberingSigner(fileMemory(join(home, 'memory')))
  const storage = openFileLogStorage(folder)
  const log = await openLog({ storage, signer })
  await Promise.all(Array.from({ length: size }, (_, index) => log.append(text(index))))
  await log.close()
  const { origin, verifierKeys } = signer
  view = await openLogView(storage, { origin, verifierKeys })
})
after(() => rmSync(home, { recursive: true, force: true }))

test('Tessera’s fsck derives every tile and the root of our log from its entries', options, () => {
  const { origin, verifierKeys } = signer
  assert.equal(run('fsck', folder, origin, verifierKeys[0] ?? ''), 'ok')
})

test('Tessera’s fsck refuses our log when one byte of it is changed', options, () => {
  const { origin, verifierKeys } = signer
  for (const path of ['tile/entries/100', 'tile/0/255', 'tile/1/000', 'tile/2/000.p/1']) {
    const file = join(folder, path)
    const bytes = readFileSync(file)
    const changed = Buffer.from(bytes)
    changed[20] = (changed[20] ?? 0) ^ 1
    rmSync(file)
    writeFileSync(file, changed)
    assert.throws(() => run('fsck', folder, origin, verifierKeys[0] ?? ''), path)
    writeFileSync(file, bytes)
  }
  assert.equal(run('fsck', folder, origin, verifierKeys[0] ?? ''), 'ok')
})

test('Go opens our checkpoint with both keys, Ed25519 and ML-DSA-44', options, () => {
  const { origin, verifierKeys } = signer
  const opened = run('open', join(folder, 'checkpoint'), ...verifierKeys) as {
    signatures: { name: string; time: number }[]
  }
  assert.deepEqual(
    { ...opened, signatures: opened.signatures.length },
    {
      origin,
      size,
      root: Buffer.from(view.checkpoint.root).toString('base64'),
      signatures: 2,
    },
  )
  assert.equal(opened.signatures[1]?.time, view.checkpoint.signatures[1]?.time)
})

test('Go refuses our checkpoint when either signature is changed', options, () => {
  const note = readFileSync(join(folder, 'checkpoint'), 'utf8')
  for (const [number, vkey] of signer.verifierKeys.entries()) {
    const lines = note.split('\n')
    const at = lines.findIndex((line) => line.startsWith('—')) + number
    lines[at] = (lines[at] ?? '').replace(/.{8}$/, 'AAAAAAAA')
    const file = join(home, 'changed')
    writeFileSync(file, lines.join('\n'))
    assert.throws(() => run('open', file, vkey))
  }
})

test('Go verifies our receipts, and refuses them for another entry', options, async () => {
  const { origin, verifierKeys } = signer
  const [receipt, entry] = [join(home, 'receipt.tlog-proof'), join(home, 'entry')]
  for (const index of [0, 255, 256, 65_535, 65_536, size - 1]) {
    writeFileSync(receipt, await view.receipt(index))
    writeFileSync(entry, text(index))
    assert.equal(run('receipt', receipt, entry, origin, ...verifierKeys), index)
    writeFileSync(entry, text(index + 1))
    assert.throws(() => run('receipt', receipt, entry, origin, ...verifierKeys))
  }
})

test('Go makes the same roots and proofs from our tiles as we do', options, async () => {
  const nodes = tileNodes(size, async (tile) => readFileSync(join(folder, tilePath(tile))))
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const indexes = [0, 1, 255, 256, 1000, 65_535, 65_536, size - 1]
  for (const from of [1, 255, 256, 257, 65_536, 65_800 - 1]) {
    const made = run('prove', folder, String(size), String(from), ...indexes.map(String)) as {
      root: string
      consistency: string[]
      inclusion: Record<string, string[]>
    }
    assert.equal(made.root, base64(await treeRoot(size, nodes)))
    assert.deepEqual(made.consistency, (await proveConsistency(from, size, nodes)).map(base64))
    for (const index of indexes)
      assert.deepEqual(
        made.inclusion[index],
        (await proveInclusion(index, size, nodes)).map(base64),
      )
  }
})

test(
  'we open a checkpoint that Go signed with keys of all three types, and read its keys',
  options,
  () => {
    const root = 'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I='
    const signed = run('sign', 'log.example/go', '20852163', root) as {
      note: string
      vkeys: string[]
      skeys: string[]
    }
    const checkpoint = openCheckpoint(signed.note, {
      origin: 'log.example/go',
      verifierKeys: signed.vkeys,
    })
    assert.equal(checkpoint.size, 20_852_163)
    assert.deepEqual(checkpoint.signatures.map(({ key }) => key.type).toSorted(), [
      'ed25519',
      'ed25519-cosignature',
      'ml-dsa-44',
    ])
    const [ed25519 = '', mlDsa44 = ''] = signed.skeys
    assert.deepEqual(parseSignerKey(ed25519).key, parseVerifierKey(signed.vkeys[0] ?? ''))
    assert.deepEqual(parseSignerKey(mlDsa44).key, parseVerifierKey(signed.vkeys[2] ?? ''))
  },
)

function run(...args: readonly string[]): unknown {
  assert.ok('path' in reader)
  const { status, stdout, stderr } = spawnSync(reader.path, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}
