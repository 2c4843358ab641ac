import { hash } from 'node:crypto'
import { readDer, tags } from '../der/reader.ts'
import { readSpki, type PublicKey } from '../keys/public-key.ts'
import type { Certificate } from './certificate.ts'
import {
  authorityKeyIdOf,
  basicConstraintsOf,
  keyUsageOf,
  purposes,
  purposesOf,
  subjectKeyIdOf,
  unknownCritical,
  usages,
} from './extensions.ts'
import { dottedOid, type Oid } from '../der/values.ts'
import { readSignatureAlgorithm, signatureHolds } from './signature-algorithm.ts'

/** A certificate with its key read. */
export interface Issuer {
  readonly certificate: Certificate
  readonly key: PublicKey
  /** SHA-256 of the SubjectPublicKeyInfo: how RFC 6962 calls an issuer. */
  readonly keyHash: Buffer
  /** How certificates that it has issued may call its key. */
  readonly keyId?: Buffer
}

/** Reads the key of a certificate. */
export function issuerOf(certificate: Certificate): Issuer {
  const key = readSpki(certificate.spki, certificate.where)
  const keyHash = hash('sha256', key.spki, 'buffer')
  const keyId = subjectKeyIdOf(certificate)
  return { certificate, key, keyHash, ...(keyId === undefined ? {} : { keyId }) }
}

/** Whether `issuer` has signed `issued`; names chain byte by byte (RFC 5280 §6.1.3). */
export function hasSigned(issuer: Issuer, issued: Certificate): boolean {
  if (!mayHaveSigned(issuer, issued)) return false
  const algorithm = readDer(issued.signatureAlgorithm, tags.sequence, issued.where)
  return signatureHolds(readSignatureAlgorithm(algorithm), issuer.key, issued.tbs, issued.signature)
}

/** Whether the names and, where both are there, the key identifiers fit. */
function mayHaveSigned({ certificate, keyId }: Issuer, issued: Certificate): boolean {
  if (!certificate.subject.equals(issued.issuer)) return false
  const wanted = keyId && authorityKeyIdOf(issued)
  return keyId === undefined || wanted === undefined || wanted.equals(keyId)
}

/** What is wrong with a certificate, for whoever reports it. */
export interface Fault {
  readonly expected: string
  readonly found: string
}

/** Why a certificate may not issue others for a purpose, with so many authorities below it (RFC 5280 §6.1.4). */
export function authorityFault(
  certificate: Certificate,
  purpose: Oid,
  below: number,
  understood?: ReadonlySet<Oid>,
): Fault | undefined {
  const { isAuthority, pathLength } = basicConstraintsOf(certificate)
  const usage = keyUsageOf(certificate)
  if (!isAuthority || (usage !== undefined && (usage & usages.keyCertSign) === 0)) {
    return { expected: 'a certificate that may issue others', found: 'one that may not' }
  }
  if (pathLength !== undefined && pathLength < below) {
    return { expected: `a path length of at least ${below}`, found: String(pathLength) }
  }
  const found = purposesOf(certificate)
  const isForPurpose =
    found === undefined || found.includes(purpose) || found.includes(purposes.any)
  return isForPurpose ? criticalFault(certificate, understood) : purposeFault(purpose, found)
}

/** Why a certificate may not sign artifacts: Fulcio's profile of RFC 5280. */
export function codeSignerFault(certificate: Certificate): Fault | undefined {
  return signerFault(certificate, purposes.codeSigning)
}

/** Why a certificate may not sign for a purpose, which it has to name. */
export function signerFault(
  certificate: Certificate,
  purpose: Oid,
  understood?: ReadonlySet<Oid>,
): Fault | undefined {
  const found = purposesOf(certificate)
  if (found?.includes(purpose) !== true) return purposeFault(purpose, found)
  return endEntityFault(certificate, understood)
}

/**
 * Why a certificate may not sign time stamps: RFC 3161 §2.3 wants it to be for that and for nothing else. It also wants
 * the extension to be critical, which authorities in use do not obey.
 */
export function timestampSignerFault(certificate: Certificate): Fault | undefined {
  const found = purposesOf(certificate)
  if (found?.length === 1 && found[0] === purposes.timeStamping) return endEntityFault(certificate)
  const fault = purposeFault(purposes.timeStamping, found)
  return { ...fault, expected: `${fault.expected} and no other` }
}

function endEntityFault(
  certificate: Certificate,
  understood?: ReadonlySet<Oid>,
): Fault | undefined {
  if (basicConstraintsOf(certificate).isAuthority) {
    return { expected: 'the certificate of a signer', found: 'the certificate of an authority' }
  }
  const usage = keyUsageOf(certificate)
  if (usage !== undefined && (usage & usages.digitalSignature) === 0) {
    return { expected: 'the key usage digitalSignature', found: 'another one' }
  }
  return criticalFault(certificate, understood)
}

function criticalFault(certificate: Certificate, understood?: ReadonlySet<Oid>): Fault | undefined {
  const oid = unknownCritical(certificate, understood)
  if (oid === undefined) return undefined
  const expected = 'critical extensions that are understood here'
  return { expected, found: `the extension ${dottedOid(oid)}` }
}

function purposeFault(purpose: Oid, found: readonly Oid[] | undefined): Fault {
  const list = found?.slice(0, 8).map(dottedOid).join(', ')
  return {
    expected: `the extended key usage ${dottedOid(purpose)}`,
    found: list === undefined ? 'none' : list,
  }
}
