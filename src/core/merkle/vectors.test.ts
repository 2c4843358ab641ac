import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { SallyportError } from '#error'
import {
  consistencyHolds,
  inclusionHolds,
  noteSignature,
  openCheckpoint,
  openNote,
  parseCheckpointText,
  parseEntryBundle,
  parseNote,
  parseSignerKey,
  parseTilePath,
  parseVerifierKey,
  partialTiles,
  signedMessage,
  tilePath,
  TreeEdge,
  verifyTlogProof,
  type VerifierKey,
} from '#merkle'

/** One case: the operation, what goes in, and what comes out or which Problem it is. Bytes are hex, signatures base64. */
interface Vector {
  readonly rule: string
  readonly op: keyof typeof operations
  readonly in: never
  readonly expect: { readonly value: unknown } | { readonly code: string }
}

interface Proof {
  readonly proof: readonly string[]
}
interface Head {
  readonly size: number
  readonly root: string
}
interface Log {
  readonly origin: string
  readonly verifierKeys: readonly string[]
}

const operations = {
  root: ({ entries }: { entries: readonly string[] }) =>
    hex(TreeEdge.empty.extend(entries.map(unhex)).edge.root),
  inclusion: (input: Proof & Head & { index: number; leafHash: string }) =>
    inclusionHolds(
      { index: input.index, hash: unhex(input.leafHash) },
      { size: input.size, root: unhex(input.root) },
      input.proof.map(unhex),
    ),
  consistency: (input: Proof & { from: Head; to: Head }) =>
    consistencyHolds(headOf(input.from), headOf(input.to), input.proof.map(unhex)),
  tilePath: ({ path }: { path: string }) => {
    const position = parseTilePath(path)
    assert.equal(tilePath(position), path)
    return position
  },
  partialTiles: ({ size }: { size: number }) => partialTiles(size),
  bundle: ({ width, bytes }: { width: number; bytes: string }) =>
    parseEntryBundle({ level: 'entries', index: 0, width }, unhex(bytes)).map(hex),
  vkey: ({ vkey }: { vkey: string }) => {
    const { publicKey, ...key } = parseVerifierKey(vkey)
    return { ...key, publicKey: hex(publicKey) }
  },
  note: ({ note }: { note: string }) => {
    const { text, signatures } = parseNote(note)
    return { text, signatures: signatures.map((one) => ({ ...one, bytes: hex(one.bytes) })) }
  },
  noteCount: ({ note }: { note: string }) => parseNote(note).signatures.length,
  checkpointText: ({ text }: { text: string }) => {
    const { origin, size, root, extensions } = parseCheckpointText(text)
    return { origin, size, root: hex(root), extensions }
  },
  checkpoint: ({ note, ...log }: Log & { note: string }) => {
    const { origin, size, root, signatures } = openCheckpoint(note, log)
    return {
      origin,
      size,
      root: hex(root),
      signatures: signatures.map(({ key: { name, type }, time }) =>
        time === undefined ? { name, type } : { name, type, time },
      ),
    }
  },
  cosignature: cosign,
  receipt: ({ receipt, entry, ...log }: Log & { receipt: string; entry: string }) => {
    const { index, checkpoint } = verifyTlogProof(receipt, unhex(entry), log)
    return { index, size: checkpoint.size }
  },
}

const folder = resolve(import.meta.dirname, '../../../test/vectors/merkle')

for (const file of readdirSync(folder).sort()) {
  const vector = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vector
  test(`${vector.rule} (${file})`, () => {
    const run = () => operations[vector.op](vector.in)
    if ('value' in vector.expect) assert.deepEqual(run(), vector.expect.value)
    else assert.throws(run, { name: SallyportError.name, code: vector.expect.code })
  })
}

/** The signature in the vector verifies, and so does a new one by the same key. */
function cosign(input: { skey: string; vkey: string; note: string; time: number }) {
  const { key, privateKey } = parseSignerKey(input.skey)
  assert.deepEqual(key, parseVerifierKey(input.vkey))
  const opened = openNote(input.note, [key])
  const message = signedMessage(key, opened.text, input.time)
  const signature = noteSignature(key, sign(null, message, privateKey), input.time)
  assert.equal(timeOf(key, signature.bytes), input.time)
  const { name, id: keyId } = key
  return { name, keyId, time: opened.signatures[0]?.time, message: hex(message) }
}

function timeOf({ type }: VerifierKey, bytes: Uint8Array): number {
  assert.equal(bytes.length, type === 'ml-dsa-44' ? 8 + 2420 : 8 + 64)
  return Number(Buffer.from(bytes).readBigUInt64BE(0))
}

function headOf({ size, root }: Head) {
  return { size, root: unhex(root) }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

function unhex(text: string): Uint8Array {
  return Buffer.from(text, 'hex')
}
