import { hash } from 'node:crypto'
import { malformed, readDer, tags, type DerElement, type DerReader } from '../der/reader.ts'
import {
  booleanOf,
  oidOf,
  readInteger,
  readOid,
  readPositive,
  readSmallInteger,
  timeOf,
  type Oid,
} from '../der/values.ts'
import type { HashName } from '../keys/scheme.ts'
import {
  readHashAlgorithm,
  readSignatureAlgorithm,
  type SignatureAlgorithm,
} from '../x509/signature-algorithm.ts'

/** An RFC 3161 time stamp, taken apart. Nothing here has been verified but that it is about what it says it is about. */
export interface TimestampToken {
  /** Milliseconds since 1970. */
  readonly time: number
  /** The digest of what was stamped. */
  readonly imprint: { readonly hash: HashName; readonly digest: Buffer }
  /** How the signer is called: by the name of its issuer and its serial, or by its key identifier. */
  readonly signer:
    | { readonly kind: 'serial'; readonly issuer: Buffer; readonly serial: Buffer }
    | { readonly kind: 'keyId'; readonly keyId: Buffer }
  /** The bytes that the signature covers. */
  readonly signedBytes: Buffer
  readonly algorithm: SignatureAlgorithm
  readonly signature: Buffer
  /** Hashes of the signer's certificate that the signer has signed; empty when it has signed none. */
  readonly certificateHashes: readonly {
    readonly hash: HashName | 'sha1'
    readonly digest: Buffer
  }[]
  /** Certificates sent along, DER. Nobody vouches for them. */
  readonly certificates: readonly Buffer[]
}

const oids = {
  signedData: oidOf('1.2.840.113549.1.7.2'),
  tstInfo: oidOf('1.2.840.113549.1.9.16.1.4'),
  contentType: oidOf('1.2.840.113549.1.9.3'),
  messageDigest: oidOf('1.2.840.113549.1.9.4'),
  signingCertificate: oidOf('1.2.840.113549.1.9.16.2.12'),
  signingCertificateV2: oidOf('1.2.840.113549.1.9.16.2.47'),
} as const

const maxBytes = 65_536
const maxCertificates = 10
const maxAttributes = 32

/**
 * Reads a TimeStampResp (RFC 3161 §2.4.2): a SignedData (RFC 5652 §5) with one signer around a TSTInfo.
 *
 * @throws SallyportError SIGSTORE_DER
 */
export function parseTimestamp(der: Uint8Array, where: string): TimestampToken {
  if (der.length > maxBytes) {
    throw malformed(where, `at most ${maxBytes} bytes`, `${der.length} bytes`)
  }
  const response = readDer(der, tags.sequence, where).children()
  const status = readSmallInteger(response.read(tags.sequence).children())
  // 0 granted, 1 granted with modifications; everything else comes without a token.
  if (status > 1) throw malformed(where, 'a time stamp that was granted', `status ${status}`)
  const token = response.read(tags.sequence).children()
  response.finish()
  expectOid(token, oids.signedData, 'signed data')
  const wrapped = token.read(tags.constructed(0)).children()
  token.finish()
  const signedData = wrapped.read(tags.sequence).children()
  wrapped.finish()
  return readSignedData(signedData)
}

function readSignedData(fields: DerReader): TimestampToken {
  readSmallInteger(fields)
  fields.read(tags.set)
  const content = fields.read(tags.sequence).children()
  expectOid(content, oids.tstInfo, 'a TSTInfo')
  const wrapped = content.read(tags.constructed(0)).children()
  content.finish()
  const info = wrapped.read(tags.octetString).content
  wrapped.finish()
  const certificates = readCertificates(fields.readOptional(tags.constructed(0)))
  fields.readOptional(tags.constructed(1))
  const signers = fields.read(tags.set).children()
  fields.finish()
  const signer = signers.read(tags.sequence).children()
  // Two signers would be two answers to the question whose word this is.
  signers.finish()
  return { ...readTstInfo(info, fields.where), ...readSignerInfo(signer, info), certificates }
}

function readCertificates(element: DerElement | undefined): readonly Buffer[] {
  if (element === undefined) return []
  const list = element.children()
  const certificates: Buffer[] = []
  while (!list.isDone) {
    certificates.push(list.readAny().whole)
    if (certificates.length > maxCertificates) {
      throw malformed(list.where, `at most ${maxCertificates} certificates`, 'more')
    }
  }
  return certificates
}

/** RFC 3161 §2.4.2. */
function readTstInfo(info: Buffer, where: string): Pick<TimestampToken, 'time' | 'imprint'> {
  const fields = readDer(info, tags.sequence, where).children()
  const version = readSmallInteger(fields)
  if (version !== 1) throw malformed(where, 'a TSTInfo of version 1', `version ${version}`)
  readOid(fields)
  const imprint = fields.read(tags.sequence).children()
  const hashName = readHashAlgorithm(imprint.read(tags.sequence))
  const digest = imprint.read(tags.octetString).content
  imprint.finish()
  readInteger(fields)
  const time = timeOf(fields.read(tags.generalizedTime))
  fields.readOptional(tags.sequence)
  const ordering = fields.readOptional(tags.boolean)
  if (ordering !== undefined) booleanOf(ordering)
  fields.readOptional(tags.integer)
  fields.readOptional(tags.constructed(0))
  // Extensions may be critical, and none is known here.
  fields.finish()
  return { time, imprint: { hash: hashName, digest } }
}

type SignerFields = Pick<
  TimestampToken,
  'signer' | 'signedBytes' | 'algorithm' | 'signature' | 'certificateHashes'
>

/** RFC 5652 §5.3, with the signed attributes that RFC 3161 §2.4.2 asks for. */
function readSignerInfo(fields: DerReader, content: Buffer): SignerFields {
  readSmallInteger(fields)
  const signer = readSignerId(fields)
  const digestAlgorithm = readHashAlgorithm(fields.read(tags.sequence))
  const attributes = fields.read(tags.constructed(0))
  const algorithm = readSignatureAlgorithm(fields.read(tags.sequence), digestAlgorithm)
  const signature = fields.read(tags.octetString).content
  fields.readOptional(tags.constructed(1))
  fields.finish()
  const values = readAttributes(attributes)
  checkContent(values, digestAlgorithm, content, fields.where)
  // RFC 5652 §5.4: the signature covers the attributes as a SET, not under their implicit tag.
  const signedBytes = Buffer.from(attributes.whole)
  signedBytes[0] = tags.set
  const certificateHashes = readCertificateHashes(values)
  return { signer, signedBytes, algorithm, signature, certificateHashes }
}

function readSignerId(fields: DerReader): TimestampToken['signer'] {
  const keyId = fields.readOptional(tags.primitive(0))
  if (keyId !== undefined) return { kind: 'keyId', keyId: keyId.content }
  const name = fields.read(tags.sequence).children()
  const issuer = name.read(tags.sequence).whole
  const serial = readPositive(name)
  name.finish()
  return { kind: 'serial', issuer, serial }
}

/** Each attribute once, with its one value. */
function readAttributes(element: DerElement): ReadonlyMap<Oid, DerElement> {
  const list = element.children()
  const values = new Map<Oid, DerElement>()
  while (!list.isDone) {
    const fields = list.read(tags.sequence).children()
    const oid = readOid(fields)
    const set = fields.read(tags.set).children()
    fields.finish()
    const value = set.readAny()
    set.finish()
    if (values.has(oid) || values.size === maxAttributes) {
      throw malformed(element.where, `each of at most ${maxAttributes} attributes once`, 'more')
    }
    values.set(oid, value)
  }
  return values
}

/** RFC 5652 §11.1, §11.2: the signed attributes name the content and its digest. */
function checkContent(
  values: ReadonlyMap<Oid, DerElement>,
  digestAlgorithm: HashName,
  content: Buffer,
  where: string,
): void {
  const type = values.get(oids.contentType)
  const digest = values.get(oids.messageDigest)
  const isType = type?.tag === tags.oid && type.content.toString('hex') === oids.tstInfo
  const isDigest =
    digest?.tag === tags.octetString &&
    digest.content.equals(hash(digestAlgorithm, content, 'buffer'))
  if (!isType || !isDigest) {
    throw malformed(where, 'signed attributes about this TSTInfo', 'others')
  }
}

/** RFC 2634 §5.4, RFC 5035 §3: which certificate the signer means. */
function readCertificateHashes(
  values: ReadonlyMap<Oid, DerElement>,
): TimestampToken['certificateHashes'] {
  const found: { readonly hash: HashName | 'sha1'; readonly digest: Buffer }[] = []
  const old = values.get(oids.signingCertificate)
  if (old !== undefined)
    found.push({ hash: 'sha1', digest: firstId(old).read(tags.octetString).content })
  const current = values.get(oids.signingCertificateV2)
  if (current !== undefined) {
    const id = firstId(current)
    const algorithm = id.readOptional(tags.sequence)
    const hashName = algorithm === undefined ? 'sha256' : readHashAlgorithm(algorithm)
    found.push({ hash: hashName, digest: id.read(tags.octetString).content })
  }
  return found
}

/** The first identifier is that of the signer's certificate. */
function firstId(value: DerElement): DerReader {
  if (value.tag !== tags.sequence) throw malformed(value.where, 'a signing certificate', 'other')
  return value.children().read(tags.sequence).children().read(tags.sequence).children()
}

function expectOid(fields: DerReader, oid: Oid, what: string): void {
  if (readOid(fields) !== oid) throw malformed(fields.where, what, 'something else')
}
