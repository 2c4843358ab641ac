import { malformed, readDer, tags, type DerElement } from '../sigstore/der/reader.ts'
import { asciiOf, oidOf } from '../sigstore/der/values.ts'
import type { Certificate } from '../sigstore/x509/certificate.ts'
import { extensionOids } from '../sigstore/x509/extensions.ts'

/** A name that a certificate gives its holder, or that an authority may give. */
export interface CertificateName {
  readonly kind: 'uri' | 'dns' | 'email'
  readonly value: string
}

/** RFC 5280 §4.2.1.10: which names the certificates below an authority may have. */
export interface NameConstraints {
  readonly permitted: readonly CertificateName[]
  readonly excluded: readonly CertificateName[]
}

export const nameConstraintsOid = oidOf('2.5.29.30')

const maxNames = 64

const kinds: Readonly<Record<number, CertificateName['kind']>> = {
  [tags.primitive(1)]: 'email',
  [tags.primitive(2)]: 'dns',
  [tags.primitive(6)]: 'uri',
}

/** The subject alternative names that can say who signed; others are passed over. */
export function namesOf(certificate: Certificate): readonly CertificateName[] {
  const where = `${certificate.where}, subjectAltName`
  const value = certificate.extensions.get(extensionOids.subjectAltName)?.value
  if (value === undefined) return []
  const list = readDer(value, tags.sequence, where).children()
  const names: CertificateName[] = []
  for (let count = 0; !list.isDone; count += 1) {
    if (count === maxNames) throw malformed(where, `at most ${maxNames} names`, 'more')
    const element = list.readAny()
    const kind = kinds[element.tag]
    if (kind !== undefined) names.push({ kind, value: asciiOf(element.content, where) })
  }
  return names
}

/** The names that an authority is limited to; undefined when it is not limited. */
export function constraintsOf(certificate: Certificate): NameConstraints | undefined {
  const where = `${certificate.where}, nameConstraints`
  const value = certificate.extensions.get(nameConstraintsOid)?.value
  if (value === undefined) return undefined
  const fields = readDer(value, tags.sequence, where).children()
  const permitted = subtreesOf(fields.readOptional(tags.constructed(0)), where)
  const excluded = subtreesOf(fields.readOptional(tags.constructed(1)), where)
  fields.finish()
  return { permitted, excluded }
}

function subtreesOf(element: DerElement | undefined, where: string): readonly CertificateName[] {
  if (element === undefined) return []
  const list = element.children()
  const names: CertificateName[] = []
  for (let count = 0; !list.isDone; count += 1) {
    if (count === maxNames) throw malformed(where, `at most ${maxNames} names`, 'more')
    const subtree = list.read(tags.sequence).children()
    const base = subtree.readAny()
    // RFC 5280 §4.2.1.10: minimum is 0, which DER leaves out, and maximum is not used.
    subtree.finish()
    const kind = kinds[base.tag]
    // A limit that is not understood may be the one that matters.
    if (kind === undefined) {
      throw malformed(where, 'limits on URIs, DNS names and mail addresses', 'one on other names')
    }
    names.push({ kind, value: base.content.length === 0 ? '' : asciiOf(base.content, where) })
  }
  return names
}

/** The first name that an authority may not give; undefined when it may give all of them. */
export function outsideOf(
  { permitted, excluded }: NameConstraints,
  names: readonly CertificateName[],
): CertificateName | undefined {
  return names.find((name) => {
    const isSame = ({ kind }: CertificateName): boolean => kind === name.kind
    const limits = permitted.filter(isSame)
    if (excluded.filter(isSame).some(({ value }) => isWithin(name, value))) return true
    return limits.length > 0 && !limits.some(({ value }) => isWithin(name, value))
  })
}

function isWithin({ kind, value }: CertificateName, limit: string): boolean {
  switch (kind) {
    case 'uri':
      return isHostWithin(hostOf(value), limit)
    case 'dns':
      // "Any DNS name that can be constructed by simply adding zero or more labels to the left".
      return limit === '' || isBelow(value, limit) || isEqual(value, limit)
    case 'email': {
      if (limit.includes('@')) return value === limit
      return isHostWithin(value.slice(value.lastIndexOf('@') + 1), limit)
    }
  }
}

/** For URIs and mail addresses a limit is a host, or with a dot in front every host below it. */
function isHostWithin(host: string | undefined, limit: string): boolean {
  if (host === undefined || host === '') return false
  if (limit === '') return true
  return limit.startsWith('.') ? isBelow(host, limit.slice(1)) : isEqual(host, limit)
}

function isBelow(host: string, domain: string): boolean {
  return host.toLowerCase().endsWith(`.${domain.toLowerCase()}`)
}

function isEqual(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase()
}

/** The host of a URI with an authority part; undefined for any other, which no limit on hosts permits. */
function hostOf(uri: string): string | undefined {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(uri)?.[1]
  return authority?.slice(authority.lastIndexOf('@') + 1).replace(/:\d*$/, '')
}
