import { hash } from 'node:crypto'
import type { Bundle } from '#attestation'
import { identityProblem, type CertificateIdentity } from './identity.ts'
import { publicKeyOf, readSpki } from './keys/public-key.ts'
import type { EntrySigner } from './log/match.ts'
import type { TrustedIdentity, TrustedKey } from './options.ts'
import { fetchAgain, refuse } from './problem.ts'
import type { Report } from './report.ts'
import type { ProvenSigner } from './result.ts'
import { describeWindow, isWithin, type TrustedRoot } from './root/trusted-root.ts'
import type { SignerTime } from './time/trusted-time.ts'
import { parseCertificate, type Certificate } from './x509/certificate.ts'
import { checkTimes, findAuthorities } from './x509/chain.ts'
import { subjectNameOf } from './x509/extensions.ts'
import { fulcioClaimsOf } from './x509/fulcio.ts'
import { codeSignerFault } from './x509/issuer.ts'
import { verifyScts, type VerifiedSct } from './x509/sct.ts'

/** Who has signed a bundle: read, but not believed before `prove`. */
export interface BundleSigner {
  readonly entrySigner: EntrySigner
  /** Verifies that it was this signer, given the trusted times. */
  readonly prove: (times: readonly SignerTime[], report: Report) => ProvenSigner
}

/** The signer of a bundle without a certificate: the holder of the key that the caller trusts. */
export function keySigner({ verificationMaterial }: Bundle, trusted: TrustedKey): BundleSigner {
  if (verificationMaterial.kind !== 'publicKey') {
    throw otherKind('a signature by a public key', 'one with a certificate')
  }
  const key = publicKeyOf(trusted.publicKey, 'the trusted public key')
  const keyid = hash('sha256', key.spki, 'hex')
  return {
    entrySigner: { key },
    prove(times) {
      const { validFor } = trusted
      const bad = validFor && times.find(({ time }) => !isWithin(validFor, time))
      if (bad === undefined || validFor === undefined) return { kind: 'publicKey', keyid }
      const found = `one at ${new Date(bad.time).toISOString()}, says ${bad.source}`
      const expected = `a signature ${describeWindow(validFor)}`
      throw refuse('SIGSTORE_KEY_TIME', `key ${keyid}`, expected, found, fetchAgain)
    },
  }
}

/** The signer of a bundle with a certificate. */
export function readCertificateSigner(
  { verificationMaterial: material }: Bundle,
  { trustedRoot, identities }: TrustedIdentity,
  neededScts: number,
): BundleSigner {
  if (material.kind === 'publicKey') {
    throw otherKind('a signature with a certificate', 'one by a public key')
  }
  const [der, ...sent] =
    material.kind === 'certificate' ? [material.certificate] : material.certificates
  const leaf = parseCertificate(der ?? new Uint8Array(), 'certificate')
  checkSent(sent, trustedRoot)
  const fault = codeSignerFault(leaf)
  if (fault !== undefined) {
    throw refuse('SIGSTORE_CERTIFICATE', leaf.where, fault.expected, fault.found, fetchAgain)
  }
  const key = readSpki(leaf.spki, leaf.where)
  const claims = fulcioClaimsOf(leaf)
  const identity: CertificateIdentity = {
    ...(claims.issuer === undefined ? {} : { issuer: claims.issuer }),
    subject: subjectNameOf(leaf),
  }
  return {
    entrySigner: { key, certificate: leaf.der },
    prove(times, report) {
      if (identities !== 'anyIdentityUnsafe') report.add(identityProblem(identity, identities))
      const authorities = findAuthorities(leaf, trustedRoot)
      const authority = checkTimes(leaf, authorities, times)
      const scts = verifyScts(leaf, authority.chain[0], trustedRoot.ctlogs)
      checkSctThreshold(scts, neededScts, leaf, trustedRoot)
      return {
        kind: 'certificate',
        identity,
        claims,
        certificate: hash('sha256', leaf.der, 'hex'),
        notBefore: new Date(leaf.notBefore),
        notAfter: new Date(leaf.notAfter),
        authority: authority.uri,
        scts: scts.map(({ log, time }) => ({ log: log.baseUrl, time: new Date(time) })),
      }
    },
  }
}

/**
 * Certificates sent along are never part of the chain that is verified, as sigstore_bundle.proto allows. Old bundles hold
 * the authorities of their instance; a root that the trusted root does not know asks to be trusted, and is refused.
 */
function checkSent(sent: readonly Uint8Array[], { certificateAuthorities }: TrustedRoot): void {
  for (const [index, der] of sent.entries()) {
    const certificate = parseCertificate(der, `certificate chain [${index + 1}]`)
    if (!certificate.subject.equals(certificate.issuer)) continue
    const isKnown = certificateAuthorities.some(({ chain }) =>
      chain.some((issuer) => issuer.certificate.der.equals(certificate.der)),
    )
    if (isKnown) continue
    const expected = 'no root certificate, or one of the trusted root'
    throw refuse('SIGSTORE_CHAIN', certificate.where, expected, 'another root', fetchAgain)
  }
}

function checkSctThreshold(
  scts: readonly VerifiedSct[],
  needed: number,
  leaf: Certificate,
  root: TrustedRoot,
): void {
  const count = new Set(scts.map(({ log }) => log.operator)).size
  if (count >= needed) return
  throw refuse(
    'SIGSTORE_SCT',
    leaf.where,
    `timestamps of at least ${needed} certificate transparency logs of ${root.file}`,
    String(count),
    'Verify with the trusted root of the Sigstore instance that issued the certificate, or refuse the artifact',
  )
}

function otherKind(expected: string, found: string): Error {
  const fix = 'Pass the bundle that belongs to the signer you trust, or trust the one who signed'
  return refuse('SIGSTORE_SIGNER_KIND', 'bundle.verificationMaterial', expected, found, fix)
}
