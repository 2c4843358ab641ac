import { malformed, readDer, tags } from '../der/reader.ts'
import {
  asciiOf,
  booleanOf,
  namedBitsOf,
  oidOf,
  readOid,
  readSmallInteger,
  textOf,
  type Oid,
} from '../der/values.ts'
import type { Certificate } from './certificate.ts'

/** Extensions of RFC 5280 and RFC 6962 that are understood here. */
export const extensionOids = {
  subjectKeyIdentifier: oidOf('2.5.29.14'),
  keyUsage: oidOf('2.5.29.15'),
  subjectAltName: oidOf('2.5.29.17'),
  basicConstraints: oidOf('2.5.29.19'),
  authorityKeyIdentifier: oidOf('2.5.29.35'),
  extKeyUsage: oidOf('2.5.29.37'),
  signedCertificateTimestamps: oidOf('1.3.6.1.4.1.11129.2.4.2'),
} as const

const understood: ReadonlySet<Oid> = new Set(Object.values(extensionOids))

/** Purposes of extended key usage. */
export const purposes = {
  clientAuth: oidOf('1.3.6.1.5.5.7.3.2'),
  codeSigning: oidOf('1.3.6.1.5.5.7.3.3'),
  timeStamping: oidOf('1.3.6.1.5.5.7.3.8'),
  any: oidOf('2.5.29.37.0'),
} as const

/** RFC 5280 §4.2: who does not understand a critical extension does not believe the certificate. */
export function unknownCritical(
  certificate: Certificate,
  also: ReadonlySet<Oid> = new Set(),
): Oid | undefined {
  for (const [oid, { critical }] of certificate.extensions) {
    if (critical && !understood.has(oid) && !also.has(oid)) return oid
  }
  return undefined
}

/** Bits of key usage (RFC 5280 §4.2.1.3). */
export const usages = { digitalSignature: 1 << 0, keyCertSign: 1 << 5 } as const

/** The bits of key usage; undefined when the certificate does not limit it. */
export function keyUsageOf(certificate: Certificate): number | undefined {
  const value = certificate.extensions.get(extensionOids.keyUsage)?.value
  if (value === undefined) return undefined
  return namedBitsOf(readDer(value, tags.bitString, `${certificate.where}, keyUsage`))
}

/** Whether this is an authority, and how many authorities may stand below it. */
export interface BasicConstraints {
  readonly isAuthority: boolean
  readonly pathLength?: number
}

export function basicConstraintsOf(certificate: Certificate): BasicConstraints {
  const value = certificate.extensions.get(extensionOids.basicConstraints)?.value
  if (value === undefined) return { isAuthority: false }
  const fields = readDer(value, tags.sequence, `${certificate.where}, basicConstraints`).children()
  const flag = fields.readOptional(tags.boolean)
  const isAuthority = flag !== undefined && booleanOf(flag)
  const pathLength = fields.isDone ? undefined : readSmallInteger(fields)
  fields.finish()
  return pathLength === undefined ? { isAuthority } : { isAuthority, pathLength }
}

/** The purposes the key may be used for; undefined when the certificate does not limit them. */
export function purposesOf(certificate: Certificate): readonly Oid[] | undefined {
  const value = certificate.extensions.get(extensionOids.extKeyUsage)?.value
  if (value === undefined) return undefined
  const list = readDer(value, tags.sequence, `${certificate.where}, extKeyUsage`).children()
  const found: Oid[] = []
  while (!list.isDone) found.push(readOid(list))
  return found
}

export function subjectKeyIdOf(certificate: Certificate): Buffer | undefined {
  const value = certificate.extensions.get(extensionOids.subjectKeyIdentifier)?.value
  if (value === undefined) return undefined
  return readDer(value, tags.octetString, `${certificate.where}, subjectKeyIdentifier`).content
}

export function authorityKeyIdOf(certificate: Certificate): Buffer | undefined {
  const value = certificate.extensions.get(extensionOids.authorityKeyIdentifier)?.value
  if (value === undefined) return undefined
  const place = `${certificate.where}, authorityKeyIdentifier`
  return readDer(value, tags.sequence, place).children().readOptional(tags.primitive(0))?.content
}

/** The one name that Fulcio puts into a certificate: who signed. */
export interface SubjectName {
  readonly kind: 'uri' | 'email' | 'otherName'
  readonly value: string
}

/** Fulcio's own kind of name: a user name with its domain. */
const fulcioUserName = oidOf('1.3.6.1.4.1.57264.1.7')

/** The subject alternative name: exactly one, of a kind that names a signer. */
export function subjectNameOf(certificate: Certificate): SubjectName {
  const where = `${certificate.where}, subjectAltName`
  const value = certificate.extensions.get(extensionOids.subjectAltName)?.value
  if (value === undefined) throw malformed(where, 'one name of the signer', 'no extension')
  const names = readDer(value, tags.sequence, where).children()
  const element = names.readAny()
  // Two names would be two answers to the question who signed.
  names.finish()
  switch (element.tag) {
    case tags.primitive(1):
      return { kind: 'email', value: asciiOf(element.content, where) }
    case tags.primitive(6):
      return { kind: 'uri', value: asciiOf(element.content, where) }
    case tags.constructed(0): {
      const parts = element.children()
      const isUserName = readOid(parts) === fulcioUserName
      const wrapped = parts.read(tags.constructed(0)).children()
      parts.finish()
      const text = wrapped.read(tags.utf8String).content
      wrapped.finish()
      if (isUserName) return { kind: 'otherName', value: textOf(text, where) }
      break
    }
    default:
  }
  throw malformed(where, 'a URI, an email address or a Fulcio user name', 'a name of another kind')
}
