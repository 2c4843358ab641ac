import { readDer, malformed, tags } from '../der/reader.ts'
import { verifyMessage } from '../keys/scheme.ts'
import { fetchAgain, refuse } from '../problem.ts'
import { isWithin, type LogInstance } from '../root/trusted-root.ts'
import type { Certificate } from './certificate.ts'
import { extensionOids } from './extensions.ts'
import type { Issuer } from './issuer.ts'

/** A log's word that it has taken a certificate in (RFC 6962 §3.2). */
export interface Sct {
  readonly logId: Buffer
  /** Milliseconds since 1970. */
  readonly time: number
  /** With their length, as they stand in what the log signed. */
  readonly extensions: Buffer
  readonly hashAlgorithm: number
  readonly signatureAlgorithm: number
  readonly signature: Buffer
}

/** An SCT by a log of the root. */
export interface VerifiedSct {
  readonly log: LogInstance
  readonly time: number
}

const maxScts = 16
/** The last time that a Date can hold. */
const maxTime = 8.64e15

/**
 * Verifies the certificate timestamps inside a certificate, and returns those by logs of the root that were in service.
 * Those by other logs say nothing; a false one by a known log refuses the certificate.
 *
 * @throws SallyportError SIGSTORE_SCT, SIGSTORE_DER
 */
export function verifyScts(
  leaf: Certificate,
  { keyHash }: Issuer,
  ctlogs: readonly LogInstance[],
): readonly VerifiedSct[] {
  const scts = readScts(leaf)
  const known = scts.flatMap((sct) => {
    const logs = ctlogs.filter(({ logId }) => logId.equals(sct.logId))
    return logs.length === 0 ? [] : [{ sct, logs }]
  })
  if (known.length === 0) return []
  const entry = precertificateEntry(leaf, keyHash)
  return known.flatMap(({ sct, logs }) => {
    const signed = signedBytes(sct, entry)
    const log = logs.find((one) => isSignedBy(one, sct, signed))
    if (log === undefined) throw falseSct(leaf, logs)
    const inService = logs.find(
      ({ key: { spki }, validFor }) => spki.equals(log.key.spki) && isWithin(validFor, sct.time),
    )
    return inService === undefined ? [] : [{ log: inService, time: sct.time }]
  })
}

/** Reads the list that stands in the extension: TLS encoding inside an OCTET STRING. */
function readScts(leaf: Certificate): readonly Sct[] {
  const where = `${leaf.where}, signed certificate timestamps`
  const value = leaf.extensions.get(extensionOids.signedCertificateTimestamps)?.value
  if (value === undefined) return []
  const list = readDer(value, tags.octetString, where).content
  if (list.length < 2 || list.readUInt16BE(0) !== list.length - 2) {
    throw malformed(where, 'a list with its length', `${list.length} bytes`)
  }
  const scts: Sct[] = []
  for (let at = 2; at < list.length;) {
    const length = at + 2 <= list.length ? list.readUInt16BE(at) : 0
    const bytes = list.subarray(at + 2, at + 2 + length)
    if (length === 0 || bytes.length !== length || scts.length === maxScts) {
      throw malformed(where, `1 to ${maxScts} timestamps`, 'an empty, cut or additional one')
    }
    scts.push(readSct(bytes, where))
    at += 2 + length
  }
  return scts
}

function readSct(bytes: Buffer, where: string): Sct {
  const extensionsEnd = bytes.length < 43 ? 0 : 43 + bytes.readUInt16BE(41)
  const signatureAt = extensionsEnd + 4
  if (extensionsEnd === 0 || signatureAt > bytes.length || bytes[0] !== 0) {
    throw malformed(where, 'a timestamp of version 1', `${bytes.length} other bytes`)
  }
  const signature = bytes.subarray(signatureAt)
  if (bytes.readUInt16BE(extensionsEnd + 2) !== signature.length) {
    throw malformed(where, 'a signature that ends where the timestamp ends', 'another length')
  }
  const time = Number(bytes.readBigUInt64BE(33))
  if (time > maxTime) throw malformed(where, 'a time that a calendar has', String(time))
  return {
    logId: bytes.subarray(1, 33),
    time,
    extensions: bytes.subarray(41, extensionsEnd),
    hashAlgorithm: bytes[extensionsEnd] ?? 0,
    signatureAlgorithm: bytes[extensionsEnd + 1] ?? 0,
    signature,
  }
}

/** RFC 6962 §3.2: PreCert, the issuer's key hash and the certificate without the timestamps. */
function precertificateEntry(
  { tbs, extensions, extensionsAt }: Certificate,
  keyHash: Buffer,
): Buffer {
  const { explicit, list, end } = extensionsAt
  const cut = extensions.get(extensionOids.signedCertificateTimestamps) ?? { start: end, end }
  const before = tbs.subarray(headerSize(tbs), explicit)
  const listSize = cut.start - list + (end - cut.end)
  const listHeader = headerOf(tags.sequence, listSize)
  const wrapped = headerOf(tags.constructed(3), listHeader.length + listSize)
  const size = before.length + wrapped.length + listHeader.length + listSize
  const header = headerOf(tags.sequence, size)
  const length = Buffer.alloc(3)
  length.writeUIntBE(header.length + size, 0, 3)
  return Buffer.concat([
    keyHash,
    length,
    header,
    before,
    wrapped,
    listHeader,
    tbs.subarray(list, cut.start),
    tbs.subarray(cut.end, end),
  ])
}

/** What the log signed: digitally-signed struct of RFC 6962 §3.2, certificate_timestamp over precert_entry. */
function signedBytes({ time, extensions }: Sct, entry: Buffer): Buffer {
  const head = Buffer.alloc(12)
  head.writeBigUInt64BE(BigInt(time), 2)
  head.writeUInt16BE(1, 10)
  return Buffer.concat([head, entry, extensions])
}

/** RFC 5246 §7.4.1.4.1: SHA-256 is 4; RSA is 1, ECDSA is 3. RFC 6962 §2.1.4 allows nothing else. */
function isSignedBy(log: LogInstance, sct: Sct, signed: Buffer): boolean {
  const algorithm = log.key.kind === 'rsa' ? 1 : 3
  const isAllowed = log.key.kind === 'rsa' || log.key.kind === 'ecdsa-p256'
  if (!isAllowed || sct.hashAlgorithm !== 4 || sct.signatureAlgorithm !== algorithm) return false
  return verifyMessage(log.scheme, log.key, signed, sct.signature)
}

/** Tag and length in DER. */
function headerOf(tag: number, length: number): Buffer {
  const size = length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
  const head = Buffer.alloc(2 + size)
  head[0] = tag
  head[1] = size === 0 ? length : 0x80 | size
  if (size > 0) head.writeUIntBE(length, 2, size)
  return head
}

function headerSize(der: Buffer): number {
  const first = der[1] ?? 0
  return first < 0x80 ? 2 : 2 + (first & 0x7f)
}

function falseSct(leaf: Certificate, logs: readonly LogInstance[]): Error {
  const names = [...new Set(logs.map(({ baseUrl }) => baseUrl))].join(', ')
  const expected = `a certificate timestamp signed by ${names} for this certificate`
  return refuse('SIGSTORE_SCT', leaf.where, expected, 'one that is not', fetchAgain)
}
