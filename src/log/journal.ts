import { createHash } from 'node:crypto'
import { encodeEntry, hashSize, splitEntries } from '#merkle'

/**
 * The journal: what must survive until the tiles are durable. Its head is a signed checkpoint whose whole tree is
 * durable; then come batches of entries, each written before the signer is asked to sign the tree with it.
 *
 * A record is its payload's length (u32), its kind (u8), the payload, and the SHA-256 of the digest of the record
 * before it, the kind and the payload. So a record that was cut off by a crash, or left by an older journal, is
 * known by its digest, and everything after it is nothing.
 */
export type JournalRecord =
  | { readonly kind: 'head'; readonly checkpoint: string }
  | { readonly kind: 'batch'; readonly size: number; readonly entries: readonly Uint8Array[] }

/** Where in the journal a record follows: the digest of the record before it. */
export type JournalDigest = Uint8Array

/** The digest before the first record. */
export const journalStart: JournalDigest = new Uint8Array(hashSize)

const kinds = { head: 1, batch: 2 } as const
const headerBytes = 5
const sizeBytes = 8

/** The bytes of a record that follows the one with digest `previous`, and its own digest. */
export function encodeRecord(
  record: JournalRecord,
  previous: JournalDigest,
): { readonly bytes: Uint8Array; readonly digest: JournalDigest } {
  const parts = payloadParts(record)
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32BE(length)
  header.writeUInt8(kinds[record.kind], 4)
  // Put together once: it may be megabytes, many times a second.
  const bytes = Buffer.concat([header, ...parts], headerBytes + length + hashSize)
  const payload = bytes.subarray(headerBytes, headerBytes + length)
  const digest = digestOf(previous, kinds[record.kind], payload)
  digest.copy(bytes, headerBytes + length)
  return { bytes, digest }
}

/** All whole records from the beginning of `bytes`, the digest of the last, and how many bytes they take. */
export function parseJournal(bytes: Uint8Array, previous: JournalDigest) {
  const records: JournalRecord[] = []
  let digest = previous
  let end = 0
  for (;;) {
    const next = parseRecord(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), end, digest)
    if (next === undefined) return { records, digest, end }
    records.push(next.record)
    digest = next.digest
    end = next.end
  }
}

/**
 * Where the records end that begin at the start of `bytes`, as their lengths say, whole or not: a file may have room
 * behind them, which is zeros, and no record has the length zero.
 */
export function endOfRecords(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (let at = 0; ;) {
    if (at + headerBytes > bytes.length) return bytes.subarray(at).some(Boolean) ? bytes.length : at
    const length = view.getUint32(at)
    if (length === 0) return at
    at += headerBytes + length + hashSize
    if (at > bytes.length) return bytes.length
  }
}

function parseRecord(bytes: Buffer, start: number, previous: JournalDigest) {
  if (bytes.length < start + headerBytes) return undefined
  const length = bytes.readUInt32BE(start)
  const end = start + headerBytes + length + hashSize
  if (end > bytes.length) return undefined
  const kind = bytes.readUInt8(start + 4)
  const payload = bytes.subarray(start + headerBytes, end - hashSize)
  const digest = digestOf(previous, kind, payload)
  if (!bytes.subarray(end - hashSize, end).equals(digest)) return undefined
  const record = parsePayload(kind, payload)
  return record === undefined ? undefined : { record, digest, end }
}

function payloadParts(record: JournalRecord): readonly Uint8Array[] {
  if (record.kind === 'head') return [Buffer.from(record.checkpoint)]
  const size = Buffer.alloc(sizeBytes)
  size.writeBigUInt64BE(BigInt(record.size))
  return [size, ...record.entries.map(encodeEntry)]
}

function parsePayload(kind: number, payload: Buffer): JournalRecord | undefined {
  if (kind === kinds.head) return { kind: 'head', checkpoint: payload.toString() }
  if (kind !== kinds.batch || payload.length < sizeBytes) return undefined
  const entries = splitEntries(payload.subarray(sizeBytes), Infinity)
  if (entries === undefined) return undefined
  return { kind: 'batch', size: Number(payload.readBigUInt64BE(0)), entries }
}

function digestOf(previous: JournalDigest, kind: number, payload: Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(Uint8Array.of(kind)).update(payload).digest()
}
