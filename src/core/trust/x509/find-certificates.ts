import { createPublicKey } from 'node:crypto'
import { isBefore, isAtOrAfter, sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { CertificateProof } from '../find-identities.ts'
import { readPublicKey } from '../public-key.ts'
import { isSignatureGood, jwtAlgorithmOf, schemesOf } from '../scheme.ts'
import type { Signed } from '../signed.ts'
import { verifyTimestamp } from '../sigstore/time/timestamp.ts'
import type { Trust, TrustedAuthority, TrustedName } from '../trust.ts'
import { identityTimeProblem, type TrustedTime } from '../validity.ts'
import type { Voucher } from '../voucher.ts'
import { namesOf, type CertificateName } from './names.ts'
import { findPath, type Path } from './path.ts'

/** Who signed with a certificate of a private authority, as far as the trust file knows them. */
export interface Certificates {
  readonly vouchers: readonly Voucher[]
  /** Why there is nobody, when there is nobody; none when there is no certificate to ask about. */
  readonly problems: readonly Problem[]
  /** Whether a certificate of a known authority is there whose signature is not good. */
  readonly isForged: boolean
}

const nobody: Certificates = { vouchers: [], problems: [], isForged: false }

/** Finds everybody of the trust file who made the signature with a certificate of one of its private authorities. */
export function findCertificates(signed: Signed, trust: Trust): Certificates {
  const sent = certificatesOf(signed)
  if (sent.length === 0 || trust.authorities.size === 0) return nobody
  const answers = [...trust.authorities.values()].map((authority) =>
    ask(authority, sent, signed, trust),
  )
  const vouchers = answers.flatMap((answer) => (Array.isArray(answer) ? answer : []))
  if (vouchers.length > 0) return { ...nobody, vouchers }
  const problems = answers.flatMap((answer) => ('code' in answer ? [answer] : []))
  // That an authority is unknown says least.
  const best = problems.find(({ code }) => code !== 'X509_CHAIN') ?? problems[0]
  return {
    ...nobody,
    problems: best === undefined ? [] : [best],
    isForged: best?.code === 'SIGNATURE_INVALID',
  }
}

/** Whom one authority vouches for, or why for nobody. */
function ask(
  authority: TrustedAuthority,
  sent: readonly Uint8Array[],
  signed: Signed,
  trust: Trust,
): Problem | readonly Voucher[] {
  const path = findPath(sent, authority.anchors, authority.purpose)
  if ('code' in path) return path
  if (!isSignedBy(path, signed)) return forged(path)
  const names = [...trust.signers.values()].flatMap(({ certificates }) => certificates)
  const own = names.filter((name) => name.authority === authority.name)
  const found = own.filter((name) => isNamed(name, namesOf(path.leaf)))
  if (found.length === 0) return stranger(path, own)
  const times = timesOf(signed, authority, trust)
  return found.map((name) => voucherOf(name, path, times))
}

function certificatesOf({ bundle, certificates }: Signed): readonly Uint8Array[] {
  if (certificates !== undefined) return certificates
  const material = bundle?.verificationMaterial
  if (material?.kind === 'certificate') return [material.certificate]
  return material?.kind === 'x509CertificateChain' ? material.certificates : []
}

/** The certificate says which key; the key says which schemes; a token says which of them, and is not obeyed beyond. */
function isSignedBy({ leaf }: Path, { message, signatures, algorithm, format }: Signed): boolean {
  try {
    const spki = createPublicKey({ key: leaf.spki, format: 'der', type: 'spki' })
    const pem = spki.export({ type: 'spki', format: 'pem' }).toString()
    const { key, algorithm: kind } = readPublicKey(pem, leaf.where)
    const schemes = schemesOf(kind).filter(
      (scheme) => algorithm === undefined || jwtAlgorithmOf(scheme) === algorithm,
    )
    // Certificates come with one signature: whose of several they would be nobody says.
    const [signature, ...others] = signatures
    if (signature === undefined || others.length > 0) return false
    return schemes.some((scheme) =>
      isSignatureGood(scheme, key, message, signature.sig, format === 'jwt' ? 'jws' : 'dsse'),
    )
  } catch (error) {
    // A key that is too weak or of another kind has signed nothing that counts.
    if (error instanceof SallyportError || error instanceof Error) return false
    throw error
  }
}

/** Compared character by character. SPIFFE's X.509-SVID §2: exactly one URI, so that nobody has two identities. */
function isNamed({ kind, value }: TrustedName, names: readonly CertificateName[]): boolean {
  const uris = names.filter((name) => name.kind === 'uri')
  if (value.startsWith('spiffe://') && uris.length !== 1) return false
  return names.some((name) => name.kind === kind && name.value === value)
}

/** The times that others than the signer prove; none when anything about them is wrong. */
function timesOf(
  { bundle, signatures }: Signed,
  { timesBy }: TrustedAuthority,
  trust: Trust,
): readonly TrustedTime[] {
  const [signature] = signatures
  if (bundle === undefined || signature === undefined) return []
  return timesBy.flatMap((name) => {
    const root = trust.roots.get(name)
    if (root === undefined) return []
    return bundle.timestamps.flatMap((der): readonly TrustedTime[] => {
      try {
        const finding = verifyTimestamp(der, signature.sig, root, 'timestamp')
        if (finding.kind === 'unknown') return []
        return [{ at: new Date(finding.time.time), by: finding.time.source }]
      } catch (error) {
        if (error instanceof SallyportError) return []
        throw error
      }
    })
  })
}

function voucherOf(name: TrustedName, path: Path, times: readonly TrustedTime[]): Voucher {
  const window = windowOf(path)
  const proven = times.filter(({ at }) => isInside(window, at))
  const isProven = proven.length > 0 && identityTimeProblem(name, proven) === undefined
  const end = isProven ? undefined : endOf(name, window)
  return {
    signer: name.signer,
    owner: name.owner,
    keyid: sha256Hex(path.leaf.der),
    certificate: proofOf(name, path, proven),
    problemAt: (now) => (isProven ? undefined : problemAt(name, path, now)),
    ...(end === undefined ? {} : { end }),
  }
}

/**
 * Without a time that others prove, all that is known is that the signature exists now: the certificates have to be good now,
 * and once a compromise is declared nothing helps.
 */
function problemAt(name: TrustedName, path: Path, now: Date): Problem | undefined {
  const { compromisedSince, where, signer } = name
  const window = windowOf(path)
  if (isInside(window, now) && compromisedSince === undefined) {
    return identityTimeProblem(name, [{ at: now, by: 'the clock of this gate' }])
  }
  const period = `${new Date(window.start).toISOString()} to ${new Date(window.end).toISOString()}`
  const problem = {
    where,
    fix: `Have ${signer} sign it again, with a time stamp of an authority in "timesBy"`,
  }
  if (compromisedSince !== undefined) {
    return {
      ...problem,
      code: 'IDENTITY_TIME',
      expected: `a signature that is proven to be from before ${compromisedSince.toISOString()}, when ${signer} was compromised`,
      found: 'no trusted time in the validity of its certificates',
    }
  }
  return {
    ...problem,
    code: 'X509_TIME',
    expected: `certificates that are good at ${now.toISOString()}, or a trusted time at which they were`,
    found: `certificates that are good from ${period}, all of them together`,
  }
}

interface Window {
  readonly start: number
  readonly end: number
}

/** When all certificates of the path are good; both ends are inside. */
function windowOf({ certificates }: Path): Window {
  return {
    start: Math.max(...certificates.map(({ notBefore }) => notBefore)),
    end: Math.min(...certificates.map(({ notAfter }) => notAfter)),
  }
}

function isInside({ start, end }: Window, time: Date): boolean {
  return isAtOrAfter(time, start) && isBefore(time, end + 1)
}

function endOf({ validUntil, compromisedSince }: TrustedName, { end }: Window): Date {
  const ends = [validUntil, compromisedSince].flatMap((date) =>
    date === undefined ? [] : [Number(date)],
  )
  return new Date(Math.min(end + 1, ...ends))
}

function proofOf(
  { authority, kind, value }: TrustedName,
  { leaf }: Path,
  times: readonly TrustedTime[],
): CertificateProof {
  return {
    root: authority,
    keyid: sha256Hex(leaf.der),
    issuer: authority,
    subject: value,
    subjectKind: kind,
    claims: {},
    times,
  }
}

function forged({ leaf }: Path): Problem {
  return {
    code: 'SIGNATURE_INVALID',
    where: leaf.where,
    expected: 'one signature by the key of the certificate over exactly these bytes',
    found:
      'none that fits: the content or the signature was changed after signing, or the key is too weak',
    fix: 'Get the attestation again from its signer; do not use this copy',
  }
}

function stranger({ leaf }: Path, known: readonly TrustedName[]): Problem {
  const names = namesOf(leaf).slice(0, 4)
  const shown = names.map(({ kind, value }) => `${kind} ${quote(value, 120)}`).join(', ')
  const listed = known
    .slice(0, 4)
    .map(({ kind, value, signer }) => `${kind} ${quote(value, 120)} (${signer})`)
  return {
    code: 'SIGNATURE_UNKNOWN_IDENTITY',
    where: leaf.where,
    expected:
      listed.length === 0
        ? 'a name under "certificates" of a signer, and there is none'
        : listed.join(', or '),
    found:
      shown === ''
        ? 'a good signature of a certificate without names'
        : `a good signature of ${shown}`,
    fix: 'Have one of these sign it, or, after checking who this is, add the name to "certificates" of a signer in the trust file',
  }
}
