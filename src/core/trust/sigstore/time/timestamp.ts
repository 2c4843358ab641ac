import { hash } from 'node:crypto'
import { SallyportError } from '#error'
import { purposes, subjectKeyIdOf } from '../x509/extensions.ts'
import { parseCertificate, type Certificate } from '../x509/certificate.ts'
import { describeName } from '../x509/describe-name.ts'
import {
  authorityFault,
  hasSigned,
  issuerOf,
  timestampSignerFault,
  type Issuer,
} from '../x509/issuer.ts'
import { signatureHolds } from '../x509/signature-algorithm.ts'
import { fetchAgain, refuse } from '../problem.ts'
import {
  describeWindow,
  isWithin,
  type TimestampAuthority,
  type TrustedRoot,
} from '../root/trusted-root.ts'
import { parseTimestamp, type TimestampToken } from './timestamp-token.ts'
import type { SignerTime } from './trusted-time.ts'

/** What one time stamp is worth: a time, or the reason why it says nothing. */
export type TimestampFinding =
  | { readonly kind: 'time'; readonly time: SignerTime }
  | { readonly kind: 'unknown'; readonly reason: string }

/**
 * Verifies one time stamp over a signature. One by an authority that the root does not know, or not for that time, says
 * nothing; a false one refuses the bundle.
 *
 * @throws SallyportError SIGSTORE_TIMESTAMP, SIGSTORE_DER
 */
export function verifyTimestamp(
  der: Uint8Array,
  signature: Uint8Array,
  root: TrustedRoot,
  where: string,
): TimestampFinding {
  const token = parseTimestamp(der, where)
  const { imprint, time } = token
  if (!imprint.digest.equals(hash(imprint.hash, signature, 'buffer'))) {
    throw falseStamp(
      where,
      'a time stamp over the signature of this bundle',
      'one over other bytes',
    )
  }
  const candidates = root.timestampAuthorities.flatMap((authority) => {
    const signer = signerOf(token, authority, where)
    return signer === undefined ? [] : [{ authority, signer }]
  })
  const [first] = candidates
  if (first === undefined) {
    return {
      kind: 'unknown',
      reason: `by ${describeSigner(token)}, which ${root.file} does not list`,
    }
  }
  checkSignature(
    token,
    candidates.map(({ signer }) => signer),
    where,
  )
  const good = candidates.find(({ authority, signer }) => isGoodAt(authority, signer, time))
  if (good === undefined) {
    const { authority, signer } = first
    const { notBefore: start, notAfter: end } = signer.certificate
    return {
      kind: 'unknown',
      reason: `of ${new Date(time).toISOString()} by ${authority.uri}, which is trusted ${describeWindow(authority.validFor)} with a certificate good ${describeWindow({ start, end })}`,
    }
  }
  const { uri, operator } = good.authority
  const source = uri === '' ? describeName(good.signer.certificate.subject) : uri
  return { kind: 'time', time: { kind: 'timestamp-authority', time, source, operator } }
}

/** The signer of a token when it belongs to the authority. */
function signerOf(
  token: TimestampToken,
  { signer, chain }: TimestampAuthority,
  where: string,
): Issuer | undefined {
  if (signer !== undefined) return isCalled(token, signer.certificate) ? signer : undefined
  // The root lists authorities alone: the signer's certificate comes with the token, the first of them has issued it,
  // and the signer has signed which one it is.
  if (token.certificateHashes.length === 0) return undefined
  for (const [index, der] of token.certificates.entries()) {
    const certificate = readSent(der, `${where}, certificate ${index}`)
    if (certificate === undefined || !isCalled(token, certificate)) continue
    const [issuer] = chain
    if (issuer === undefined || !hasSigned(issuer, certificate)) continue
    const isIssuer = authorityFault(issuer.certificate, purposes.timeStamping, 0) === undefined
    if (isIssuer && timestampSignerFault(certificate) === undefined) {
      return issuerOf(certificate)
    }
  }
  return undefined
}

/** Certificates are sent along by anybody: one that cannot be read is nobody's. */
function readSent(der: Uint8Array, where: string): Certificate | undefined {
  try {
    return parseCertificate(der, where)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function isCalled({ signer }: TimestampToken, certificate: Certificate): boolean {
  if (signer.kind === 'keyId') return subjectKeyIdOf(certificate)?.equals(signer.keyId) === true
  return certificate.serial.equals(signer.serial) && certificate.issuer.equals(signer.issuer)
}

function checkSignature(token: TimestampToken, signers: readonly Issuer[], where: string): void {
  const signer = signers.find(({ key }) =>
    signatureHolds(token.algorithm, key, token.signedBytes, token.signature),
  )
  if (signer === undefined) {
    throw falseStamp(where, `the signature of ${describeSigner(token)}`, 'another one')
  }
  // RFC 3161 §2.2: the signer says which certificate it used, so that nobody can put another with the same key there.
  const isMeant = token.certificateHashes.every(({ hash: name, digest }) =>
    hash(name, signer.certificate.der, 'buffer').equals(digest),
  )
  if (!isMeant) {
    throw falseStamp(where, 'a time stamp made with the certificate of the authority', 'another')
  }
}

function isGoodAt(
  { validFor, chain }: TimestampAuthority,
  { certificate }: Issuer,
  time: number,
): boolean {
  const certificates = [certificate, ...chain.map((issuer) => issuer.certificate)]
  return (
    isWithin(validFor, time) &&
    certificates.every(({ notBefore: start, notAfter: end }) => isWithin({ start, end }, time))
  )
}

function describeSigner({ signer }: TimestampToken): string {
  if (signer.kind === 'keyId') return `the key ${signer.keyId.toString('hex', 0, 20)}`
  return `serial ${signer.serial.toString('hex', 0, 20)} of ${describeName(signer.issuer)}`
}

function falseStamp(where: string, expected: string, found: string): Error {
  return refuse('SIGSTORE_TIMESTAMP', where, expected, found, fetchAgain)
}
