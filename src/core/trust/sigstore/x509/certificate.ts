import { readDer, tags, malformed, type DerReader } from '../der/reader.ts'
import {
  booleanOf,
  dottedOid,
  readBytesOfBits,
  readOid,
  readPositive,
  readSmallInteger,
  readTime,
  type Oid,
} from '../der/values.ts'

/** An X.509 certificate, version 3, taken apart (RFC 5280 §4.1). Nothing here has been verified. */
export interface Certificate {
  readonly der: Buffer
  /** What the signature covers. */
  readonly tbs: Buffer
  /** Without leading zeros. */
  readonly serial: Buffer
  /** Name in DER: names chain when their bytes are equal. */
  readonly issuer: Buffer
  readonly subject: Buffer
  /** Milliseconds since 1970; both ends are inside. */
  readonly notBefore: number
  readonly notAfter: number
  /** SubjectPublicKeyInfo in DER. */
  readonly spki: Buffer
  /** Each at most once. */
  readonly extensions: ReadonlyMap<Oid, Extension>
  /** Where the extensions stand in `tbs`: a precertificate is a certificate without one of them. */
  readonly extensionsAt: { readonly explicit: number; readonly list: number; readonly end: number }
  /** AlgorithmIdentifier in DER. */
  readonly signatureAlgorithm: Buffer
  readonly signature: Buffer
  /** What it is called in messages. */
  readonly where: string
}

export interface Extension {
  readonly critical: boolean
  readonly value: Buffer
  /** Its place in `tbs`. */
  readonly start: number
  readonly end: number
}

const maxBytes = 65_536
const maxExtensions = 64

/**
 * Reads a certificate strictly.
 *
 * @throws SallyportError SIGSTORE_DER when it is not one in DER
 */
export function parseCertificate(der: Uint8Array, where: string): Certificate {
  if (der.length > maxBytes) {
    throw malformed(where, `at most ${maxBytes} bytes`, `${der.length} bytes`)
  }
  const outer = readDer(der, tags.sequence, where)
  const parts = outer.children()
  const tbsElement = parts.read(tags.sequence)
  const signatureAlgorithm = parts.read(tags.sequence).whole
  const signature = readBytesOfBits(parts)
  parts.finish()
  const tbs = tbsElement.whole
  const fields = readDer(tbs, tags.sequence, where).children()
  return {
    der: outer.whole,
    tbs,
    ...readFields(fields, signatureAlgorithm, where),
    signatureAlgorithm,
    signature,
    where,
  }
}

type Fields = Omit<Certificate, 'der' | 'tbs' | 'signatureAlgorithm' | 'signature' | 'where'>

function readFields(fields: DerReader, signatureAlgorithm: Buffer, where: string): Fields {
  readVersion(fields)
  const serial = readPositive(fields)
  // RFC 5280 §4.1.1.2: the algorithm inside the signature and the one outside are the same.
  if (!fields.read(tags.sequence).whole.equals(signatureAlgorithm)) {
    throw malformed(where, 'one signature algorithm, inside and outside', 'two')
  }
  const issuer = fields.read(tags.sequence).whole
  const validity = fields.read(tags.sequence).children()
  const notBefore = readTime(validity)
  const notAfter = readTime(validity)
  validity.finish()
  const subject = fields.read(tags.sequence).whole
  const spki = fields.read(tags.sequence).whole
  fields.readOptional(tags.primitive(1))
  fields.readOptional(tags.primitive(2))
  return {
    serial,
    issuer,
    subject,
    notBefore,
    notAfter,
    spki,
    ...readExtensions(fields, where),
  }
}

function readVersion(fields: DerReader): void {
  const version = fields.readOptional(tags.constructed(0))?.children()
  const number = version === undefined ? 0 : readSmallInteger(version)
  version?.finish()
  if (number !== 2) throw malformed(fields.where, 'an X.509 certificate v3', `v${number + 1}`)
}

function readExtensions(
  fields: DerReader,
  where: string,
): Pick<Certificate, 'extensions' | 'extensionsAt'> {
  const explicit = fields.read(tags.constructed(3))
  fields.finish()
  const inside = explicit.children()
  const sequence = inside.read(tags.sequence)
  inside.finish()
  const list = sequence.children()
  const extensions = new Map<Oid, Extension>()
  while (!list.isDone) {
    const element = list.read(tags.sequence)
    const parts = element.children()
    const oid = readOid(parts)
    const flag = parts.readOptional(tags.boolean)
    const value = parts.read(tags.octetString).content
    parts.finish()
    // RFC 5280 §4.2: an extension stands once; two readers would believe two different ones.
    if (extensions.has(oid))
      throw malformed(where, 'each extension once', `${dottedOid(oid)} twice`)
    const critical = flag !== undefined && booleanOf(flag)
    // X.690 §11.5: a default value is left out.
    if (flag !== undefined && !critical) throw malformed(where, 'no default values', 'critical: no')
    extensions.set(oid, { critical, value, start: element.start, end: element.end })
    if (extensions.size > maxExtensions)
      throw malformed(where, `${maxExtensions} extensions`, 'more')
  }
  return {
    extensions,
    extensionsAt: { explicit: explicit.start, list: sequence.body, end: sequence.end },
  }
}
