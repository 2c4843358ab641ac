import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import {
  consistencyHolds,
  inclusionHolds,
  openCheckpoint,
  openNote,
  parseCheckpointText,
  parseNote,
  parseSignerKey,
  parseTlogProof,
  parseVerifierKey,
  signCheckpoint,
  splitEntries,
  tilePath,
  TreeEdge,
} from '#merkle'

// What others made: run where their samples lie beside the repository.
const data = resolve(import.meta.dirname, '../../../../shared/data')
const options = existsSync(data) ? {} : { skip: 'skipped: no ../shared' }

interface Row {
  readonly id: string
  readonly op: string
  readonly in: never
  readonly expect: { readonly ok: boolean }
}

test(
  'every inclusion and consistency proof of transparency-dev/merkle is judged as there',
  options,
  () => {
    const rows = readRows('merkle')
    assert.equal(rows.length, 64)
    assert.deepEqual(disagreements(rows), [])
  },
)

test(
  'notes, keys and receipts of transparency-dev/formats and sumdb are judged as there',
  options,
  () => {
    // That parser takes a root of any length, and blank lines where tlog-checkpoint has none.
    const stricter = ['cp-unmarshal-valid-one', 'cp-unmarshal-valid-with-trailing-newlines']
    assert.deepEqual(disagreements(readRows('notes-checkpoints')), stricter)
  },
)

test('the log of Tessera has our roots, our tiles and our bundles, size by size', options, () => {
  const log = join(data, 'tlog/tessera-log')
  const entries = splitEntries(readFileSync(join(log, 'tile/entries/000.p/15'))) ?? []
  let edge = TreeEdge.empty
  for (let size = 0; size <= 15; size += 1) {
    const checkpoint = openCheckpoint(readFileSync(join(log, `checkpoint.${size}`), 'utf8'), {
      origin: 'example.com/log/testdata',
      verifierKeys: [tesseraKey],
    })
    assert.equal(checkpoint.size, size)
    assert.deepEqual(checkpoint.root, edge.root)
    for (const tile of edge.partialTiles())
      assert.deepEqual(tile.bytes, readFileSync(join(log, tilePath(tile))))
    edge = edge.extend(entries.slice(size, size + 1)).edge
  }
})

test('signing the checkpoints of Tessera again gives the same bytes', options, () => {
  const { key, privateKey } = parseSignerKey(
    'PRIVATE+KEY+example.com/log/testdata+33d7b496+AeymY/SZAX0jZcJ8enZ5FY1Dz+wTML2yWSkK+9DSF3eg',
  )
  for (const file of globSync(join(data, 'tlog/tessera-log/checkpoint.*'))) {
    const note = readFileSync(file, 'utf8')
    const checkpoint = parseCheckpointText(parseNote(note).text)
    const again = signCheckpoint(
      checkpoint,
      [{ key, sign: (message) => sign(null, message, privateKey) }],
      0,
    )
    assert.equal(again, note)
  }
})

test('the cosignatures of Sunlight’s witnesses verify', options, () => {
  const witnesses = {
    witness: 'witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN',
    witness2: 'witness2.example.org+2e55b896+BIZ7fpceQWd60IfqQeS9IAnmNOCZjMDne8lZuguz/bi9',
  }
  for (const [folder, vkey] of Object.entries(witnesses))
    for (const file of globSync(join(data, 'tlog/sunlight-tree', folder, '*/checkpoint'))) {
      if (file.includes('mirror')) continue
      const opened = openNote(readFileSync(file, 'utf8'), [parseVerifierKey(vkey)])
      assert.equal(parseCheckpointText(opened.text).size, 300)
      assert.ok((opened.signatures[0]?.time ?? 0) > 0)
    }
})

const tesseraKey = 'example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx'

const operations: Record<string, (input: never) => void> = {
  'merkle.inclusion': (input: Record<'root' | 'leafHash', string> & Sizes) => {
    const leaf = { index: input.leafIdx, hash: bytes(input.leafHash) }
    const tree = { size: input.treeSize, root: bytes(input.root) }
    assert.ok(inclusionHolds(leaf, tree, hashes(input.proof)))
  },
  'merkle.consistency': (input: Record<'root1' | 'root2', string> & Sizes) => {
    const from = { size: input.size1, root: bytes(input.root1) }
    const to = { size: input.size2, root: bytes(input.root2) }
    assert.ok(consistencyHolds(from, to, hashes(input.proof)))
  },
  'checkpoint.parse': ({ text }: { text: string }) => parseCheckpointText(text),
  'note.vkey': ({ vkey }: { vkey: string }) => parseVerifierKey(vkey),
  'note.vkey-ecdsa': ({ vkey }: { vkey: string }) => parseVerifierKey(vkey),
  'note.vkey-cosigv1': ({ vkey }: { vkey: string }) => parseVerifierKey(vkey),
  'note.verify': ({ note, vkey }: { note: string; vkey: string }) =>
    openNote(note, [parseVerifierKey(vkey)]),
  'tlogproof.parse': ({ text }: { text: string }) => parseTlogProof(text),
}

interface Sizes {
  readonly leafIdx: number
  readonly treeSize: number
  readonly size1: number
  readonly size2: number
  readonly proof: readonly string[] | null
}

function readRows(name: string): Row[] {
  const lines = readFileSync(join(data, `vectors/${name}.ndjson`), 'utf8')
    .trim()
    .split('\n')
  return lines.map((line) => JSON.parse(line) as Row).filter(({ op }) => op in operations)
}

/** The ids of the rows that end otherwise than the row says. */
function disagreements(rows: readonly Row[]): string[] {
  const wrong = rows.filter((row) => {
    try {
      operations[row.op]?.(row.in)
      return !row.expect.ok
    } catch {
      return row.expect.ok
    }
  })
  return wrong.map(({ id }) => id)
}

function bytes(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64')
}

function hashes(proof: readonly string[] | null): Uint8Array[] {
  return (proof ?? []).map(bytes)
}
