import { SallyportError, type Problem } from '#error'
import { type Oid } from '../sigstore/der/values.ts'
import { describeName } from '../sigstore/x509/describe-name.ts'
import { parseCertificate, type Certificate } from '../sigstore/x509/certificate.ts'
import {
  authorityFault,
  hasSigned,
  issuerOf,
  signerFault,
  type Fault,
  type Issuer,
} from '../sigstore/x509/issuer.ts'
import { constraintsOf, nameConstraintsOid, namesOf, outsideOf } from './names.ts'

/** A certificate, and the authorities above it up to one that the trust file names. */
export interface Path {
  readonly leaf: Certificate
  /** The signer first, the anchor last. */
  readonly certificates: readonly Certificate[]
}

/** The longest path, and how many signatures are checked to find one. */
const maxLength = 8
const maxChecks = 64

const understood: ReadonlySet<Oid> = new Set([nameConstraintsOid])

/**
 * Finds a path from the first certificate, through those that were sent along, to an anchor (RFC 5280 §6.1, without
 * validity: at which time it has to hold is asked later). Who sent them is the attacker: their number is bounded, and none of
 * them is an anchor.
 */
export function findPath(
  sent: readonly Uint8Array[],
  anchors: readonly Issuer[],
  purpose: Oid,
): Path | Problem {
  try {
    const [der = new Uint8Array(), ...others] = sent.slice(0, maxLength)
    const leaf = parseCertificate(der, 'certificate')
    const fault = signerFault(leaf, purpose, understood)
    if (fault !== undefined) return problemOf(leaf, fault)
    const between = others.map((one, index) =>
      issuerOf(parseCertificate(one, `certificate ${index + 2}`)),
    )
    const search: Search = { anchors, between, purpose, checks: 0 }
    const above = climb(leaf, [], search)
    if (above !== undefined) return { leaf, certificates: [leaf, ...above] }
    return search.fault === undefined ? unknown(leaf, anchors) : search.fault
  } catch (error) {
    if (error instanceof SallyportError && error.problems[0] !== undefined) return error.problems[0]
    throw error
  }
}

interface Search {
  readonly anchors: readonly Issuer[]
  readonly between: readonly Issuer[]
  readonly purpose: Oid
  checks: number
  /** Why the best path does not hold. */
  fault?: Problem
}

/** The authorities above a certificate. `below` are those between it and the signer. */
function climb(
  certificate: Certificate,
  below: readonly Certificate[],
  search: Search,
): readonly Certificate[] | undefined {
  if (below.length + 1 >= maxLength) return undefined
  const path = [...below, certificate]
  for (const issuer of [...search.anchors, ...search.between]) {
    // A path does not come back to where it was.
    if (path.some(({ der }) => der.equals(issuer.certificate.der))) continue
    if (!certificate.issuer.equals(issuer.certificate.subject)) continue
    search.checks += 1
    if (search.checks > maxChecks || !hasSigned(issuer, certificate)) continue
    const fault = faultOf(issuer.certificate, path, search.purpose)
    if (fault !== undefined) {
      search.fault ??= problemOf(issuer.certificate, fault)
      continue
    }
    if (search.anchors.includes(issuer)) return [issuer.certificate]
    const above = climb(issuer.certificate, path, search)
    if (above !== undefined) return [issuer.certificate, ...above]
  }
  return undefined
}

/** Why an authority may not stand above these. */
function faultOf(
  authority: Certificate,
  path: readonly Certificate[],
  purpose: Oid,
): Fault | undefined {
  const fault = authorityFault(authority, purpose, path.length - 1, understood)
  const constraints = constraintsOf(authority)
  if (fault !== undefined || constraints === undefined) return fault
  for (const certificate of path) {
    const name = outsideOf(constraints, namesOf(certificate))
    if (name === undefined) continue
    const expected = `names that ${describeName(authority.subject)} may give (nameConstraints)`
    return { expected, found: `${name.kind} ${name.value}` }
  }
  return undefined
}

function problemOf({ where }: Certificate, { expected, found }: Fault): Problem {
  return {
    code: 'X509_CERTIFICATE',
    where,
    expected,
    found,
    fix: 'Have it signed with a certificate that the authority issues for this purpose',
  }
}

function unknown(leaf: Certificate, anchors: readonly Issuer[]): Problem {
  const trusted = anchors.map(({ certificate }) => describeName(certificate.subject))
  return {
    code: 'X509_CHAIN',
    where: leaf.where,
    expected: `a certificate below ${[...new Set(trusted)].slice(0, 4).join(' or ')}, with the authorities between sent along`,
    found: `one by ${describeName(leaf.issuer)} that leads to none of them`,
    fix: 'Have the signer send its whole chain, or, after checking whose authority this is, add its root under "x509" of the trust file',
  }
}
