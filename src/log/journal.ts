import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { encodeEntry, hashSize, splitEntries } from '#merkle'

/**
 * The journal: what must survive until the tiles are durable. Its head is a signed checkpoint whose whole tree is
 * durable; then come batches of entries, each written before the signer is asked to sign the tree with it.
 *
 * A record is its payload's length (u32), its kind (u8), the payload, and the SHA-256 of the digest of the record
 * before it, the kind and the payload. So a record that was cut off by a crash, or left by an older journal, is
 * known by its digest, and everything after it is nothing.
 *
 * Anybody can compute such digests. The payload of a batch begins with its seal, the HMAC-SHA256 of the digest of the record before it and
 * the rest of the payload: only who may use the signer of the log can make one, so a batch that the signer does not remember is
 * known to come from a process of this log. (Batches of before there were seals are of a kind of their own.)
 */
export type JournalRecord = HeadRecord | BatchRecord

interface HeadRecord {
  readonly kind: 'head'
  readonly checkpoint: string
}

interface BatchRecord {
  readonly kind: 'batch'
  readonly size: number
  readonly entries: readonly Uint8Array[]
}

/** A record as it was read. */
export type ReadRecord = HeadRecord | (BatchRecord & { readonly isSealed: boolean })

/** Where in the journal a record follows: the digest of the record before it. */
export type JournalDigest = Uint8Array

/** The digest before the first record. */
export const journalStart: JournalDigest = new Uint8Array(hashSize)

const kinds = { head: 1, unsealed: 2, batch: 3 } as const
const headerBytes = 5
const sizeBytes = 8

/** The bytes of a record that follows the one with digest `previous`, sealed with `key`, and its own digest. */
export function encodeRecord(
  record: JournalRecord,
  previous: JournalDigest,
  key: Uint8Array,
): { readonly bytes: Uint8Array; readonly digest: JournalDigest } {
  const parts = payloadParts(record, previous, key)
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

/**
 * All whole records from the beginning of `bytes`, the digest of the last, and how many bytes they take. Without the key none
 * counts as sealed.
 */
export function parseJournal(bytes: Uint8Array, previous: JournalDigest, key?: Uint8Array) {
  const records: ReadRecord[] = []
  let digest = previous
  let end = 0
  for (;;) {
    const rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    const next = parseRecord(rest, end, { previous: digest, key })
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

/** What a record is held against. */
interface Against {
  readonly previous: JournalDigest
  readonly key: Uint8Array | undefined
}

function parseRecord(bytes: Buffer, start: number, against: Against) {
  if (bytes.length < start + headerBytes) return undefined
  const length = bytes.readUInt32BE(start)
  const end = start + headerBytes + length + hashSize
  if (end > bytes.length) return undefined
  const kind = bytes.readUInt8(start + 4)
  const payload = bytes.subarray(start + headerBytes, end - hashSize)
  const digest = digestOf(against.previous, kind, payload)
  if (!bytes.subarray(end - hashSize, end).equals(digest)) return undefined
  const record = parsePayload(kind, payload, against)
  return record === undefined ? undefined : { record, digest, end }
}

function payloadParts(
  record: JournalRecord,
  previous: JournalDigest,
  key: Uint8Array,
): readonly Uint8Array[] {
  if (record.kind === 'head') return [Buffer.from(record.checkpoint)]
  const size = Buffer.alloc(sizeBytes)
  size.writeBigUInt64BE(BigInt(record.size))
  const batch = [size, ...record.entries.map(encodeEntry)]
  return [sealOf(batch, previous, key), ...batch]
}

function parsePayload(
  kind: number,
  payload: Buffer,
  { previous, key }: Against,
): ReadRecord | undefined {
  if (kind === kinds.head) return { kind: 'head', checkpoint: payload.toString() }
  if (kind !== kinds.batch && kind !== kinds.unsealed) return undefined
  const sealBytes = kind === kinds.batch ? hashSize : 0
  if (payload.length < sealBytes + sizeBytes) return undefined
  const [seal, batch] = [payload.subarray(0, sealBytes), payload.subarray(sealBytes)]
  const entries = splitEntries(batch.subarray(sizeBytes), Infinity)
  if (entries === undefined) return undefined
  const isSealed =
    sealBytes > 0 && key !== undefined && timingSafeEqual(seal, sealOf([batch], previous, key))
  return { kind: 'batch', size: Number(batch.readBigUInt64BE(0)), entries, isSealed }
}

function sealOf(batch: readonly Uint8Array[], previous: JournalDigest, key: Uint8Array): Buffer {
  const seal = createHmac('sha256', key).update(previous)
  for (const part of batch) seal.update(part)
  return seal.digest()
}

function digestOf(previous: JournalDigest, kind: number, payload: Uint8Array): Buffer {
  return createHash('sha256').update(previous).update(Uint8Array.of(kind)).update(payload).digest()
}
