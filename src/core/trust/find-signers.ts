import type { Bundle } from '#attestation'
import { quote, type Problem } from '#error'
import {
  isSignatureGood,
  jwtAlgorithmOf,
  schemeNames,
  type Scheme,
  type SignatureFormat,
} from './scheme.ts'
import type { Signed } from './signed.ts'
import { findIdentities, timesOf } from './find-identities.ts'
import { findCertificates, type Certificates } from './x509/find-certificates.ts'
import type { Trust, TrustedKey } from './trust.ts'
import { identityVoucher, keyVoucher, type Voucher } from './voucher.ts'

/** Whose signatures are good. It depends on bytes and keys alone, not on time, so it may be remembered. */
export interface Signatures {
  /** Everybody of the trust file with a good signature, once for each key or identity. */
  readonly vouchers: readonly Voucher[]
  /** Why there is nobody, when there is nobody; the first says most. */
  readonly problems: readonly Problem[]
  /** Whether a known key was named whose signature is not good, or a certificate does not hold. */
  readonly isForged: boolean
}

type Signature = Signed['signatures'][number]

/** What one attestation may cost: 128 signatures of strangers and 64 keys must not become 8,192 verifications. */
const maxChecks = 512

/** Finds everybody of the trust file who made one of the signatures, by key or by certificate. */
export function findSigners(signed: Signed, trust: Trust): Signatures {
  const { keys, problem, isForged } = findKeys(signed, trust)
  const { bundle } = signed
  const byKey: Signatures = {
    vouchers: keys.map((key) =>
      keyVoucher(key, bundle === undefined ? [] : timesOf(bundle, key, trust, artifactOf(signed))),
    ),
    problems: problem === undefined ? [] : [problem],
    isForged,
  }
  const own = findCertificates(signed, trust)
  const known = withCertificates(byKey, own)
  // What is wrong below an authority of one's own says more than that it is no Sigstore instance either.
  const isOwn = own.problems.some(({ code }) => code !== 'X509_CHAIN')
  const mayBeSigstore = bundle !== undefined && signed.hasCertificate && trust.roots.size > 0
  return mayBeSigstore && !isOwn ? withIdentities(known, bundle, signed, trust) : known
}

function withCertificates(byKey: Signatures, own: Certificates): Signatures {
  const vouchers = [...byKey.vouchers, ...own.vouchers]
  if (vouchers.length > 0) return { vouchers, problems: [], isForged: false }
  return own.problems.length === 0 ? byKey : own
}

function withIdentities(
  known: Signatures,
  bundle: Bundle,
  signed: Signed,
  trust: Trust,
): Signatures {
  const identities = findIdentities(bundle, trust, artifactOf(signed))
  const found = identities.found.map(({ identity, proof }) => identityVoucher(identity, proof))
  const vouchers = [...known.vouchers, ...found]
  if (vouchers.length > 0) return { vouchers, problems: [], isForged: false }
  const { problems, isStranger } = identities
  // No identity at all is in the trust file: then what is said of keys is all there is to say.
  if (problems.length === 0) return known
  const isUnknown = problems.some(({ code }) => code === 'SIGSTORE_CHAIN')
  return { vouchers, problems, isForged: !isStranger && !isUnknown }
}

/** What a bundle has to be about: a signature over a payload covers that; an envelope covers itself. */
function artifactOf({ format, message }: Signed) {
  return format === 'simple-signing' ? { bytes: message } : 'anyArtifactUnsafe'
}

/** Whose keys have signed. */
interface Keys {
  readonly keys: readonly TrustedKey[]
  readonly problem?: Problem
  readonly isForged: boolean
}

/**
 * Finds the known keys that made the signatures. A `keyid` is a hint that nothing protects: it only says which key
 * to try first, and a wrong one neither helps nor harms. Signatures of unknown keys are ignored.
 */
function findKeys(signed: Signed, trust: Trust): Keys {
  const refused = refusedAlgorithm(signed)
  if (refused !== undefined) return { keys: [], problem: refused, isForged: false }
  const all = [...trust.keys.values()]
  const good = new Map<string, TrustedKey>()
  const forged: TrustedKey[] = []
  let checks = 0
  const isBy = (key: TrustedKey, { sig, hint }: Signature): boolean => {
    if (key.name !== undefined && key.name !== hint) return false
    const message = messageFor(key, signed)
    if (message === undefined || !mayFit(key, sig, signed)) return false
    checks += 1
    return isSignatureGood(key.scheme, key.key, message, sig, formatOf(key, signed))
  }
  for (const signature of signed.signatures) {
    const hinted = hintedBy(signature, trust, all)
    const others = all.filter((key) => key !== hinted)
    const order = hinted === undefined ? others : [hinted, ...others]
    const key = order.find((candidate) => checks < maxChecks && isBy(candidate, signature))
    if (key !== undefined) good.set(key.keyid, key)
    else if (hinted !== undefined) forged.push(hinted)
  }
  if (good.size > 0) return { keys: [...good.values()], isForged: false }
  const [first] = forged
  if (first !== undefined) return { keys: [], problem: forgery(first, signed), isForged: true }
  const problem = checks >= maxChecks ? tooMany(signed) : stranger(signed, trust)
  return { keys: [], problem, isForged: false }
}

/** The key that a signature names: by its digest, or by the name that the trust file gives it. */
function hintedBy(
  { hint = '' }: Signature,
  { keys }: Trust,
  all: readonly TrustedKey[],
): TrustedKey | undefined {
  return keys.get(hint) ?? (hint === '' ? undefined : all.find(({ name }) => name === hint))
}

/** What this key would have signed: one of the two, as the trust file says, and never the other when one does not fit. */
function messageFor({ signs }: TrustedKey, { message, payload, format }: Signed) {
  if (signs === 'dsse') return message
  return format === 'jwt' ? undefined : payload
}

function formatOf({ signatureEncoding }: TrustedKey, { format }: Signed): SignatureFormat {
  if (format === 'jwt') return 'jws'
  return signatureEncoding === 'ieee-p1363' ? 'ieee-p1363' : 'dsse'
}

/** RFC 8725 §3.1: the key decides the algorithm. A symmetric one would make the public key a signing key. */
function refusedAlgorithm({ algorithm }: Signed): Problem | undefined {
  const known = schemeNames.flatMap((scheme) => jwtAlgorithmOf(scheme) ?? [])
  if (algorithm === undefined || known.includes(algorithm)) return undefined
  return {
    code: 'SIGNATURE_ALGORITHM',
    where: 'jwt.header.alg',
    expected: `one of ${known.join(', ')}, as the key of the issuer is for`,
    found: quote(algorithm),
    fix: 'Have the issuer sign with the private key whose public half is in the trust file',
  }
}

/** DER signatures vary in length; the others do not, so most keys need not be tried. */
const lengths: Partial<Record<Scheme, number>> = { ed25519: 64, 'ml-dsa-44': 2420 }

function mayFit(key: TrustedKey, sig: Uint8Array, signed: Signed): boolean {
  const { algorithm } = signed
  if (algorithm !== undefined && jwtAlgorithmOf(key.scheme) !== algorithm) return false
  const bits = key.key.asymmetricKeyDetails?.modulusLength
  const length = lengths[key.scheme] ?? (bits === undefined ? undefined : Math.ceil(bits / 8))
  if (length !== undefined) return sig.length === length
  if (formatOf(key, signed) !== 'dsse')
    return sig.length === (key.scheme === 'ecdsa-p256-sha256' ? 64 : 96)
  return sig[0] === 0x30
}

function forgery(key: TrustedKey, { format, algorithm }: Signed): Problem {
  const wrongAlgorithm = algorithm !== undefined && jwtAlgorithmOf(key.scheme) !== algorithm
  return {
    code: 'SIGNATURE_INVALID',
    where: format === 'jwt' ? 'jwt.signature' : 'envelope.signatures',
    expected: `a signature by key ${key.keyid.slice(0, 16)}… of ${key.signer} (${key.scheme}) over exactly these bytes`,
    found: wrongAlgorithm
      ? `a token under ${algorithm}, which this key is not for`
      : 'a signature that does not fit: the content or the signature was changed after signing, or somebody else signed',
    fix: `Get the attestation again from ${key.signer}; do not use this copy`,
  }
}

function tooMany({ signatures }: Signed): Problem {
  return {
    code: 'SIGNATURE_TOO_MANY',
    where: 'envelope.signatures',
    expected: `a signature by a known key within ${maxChecks} checks`,
    found: `${signatures.length} signatures by unknown keys`,
    fix: 'Remove the signatures of strangers, or write the key id of the signer beside its signature',
  }
}

function stranger({ signatures, hasCertificate, format }: Signed, trust: Trust): Problem {
  const hints = signatures.flatMap(({ hint }) => (hint === undefined ? [] : [quote(hint, 24)]))
  const shown = hints.slice(0, 3).join(', ')
  const signers = [...trust.signers.keys()].slice(0, 8).join(', ')
  if (hasCertificate) {
    return {
      code: 'EVIDENCE_CERTIFICATE',
      where: 'bundle.verificationMaterial',
      expected: `a signature by a key of ${trust.file}`,
      found: 'a signature by a certificate, and the trust file names keys only',
      fix: `Have one of the signers of the trust file sign the statement with its key, or, after checking who this is, add the trusted root to "sigstore" and the identity to a signer in ${trust.file}`,
    }
  }
  return {
    code: 'SIGNATURE_UNKNOWN_KEY',
    where: format === 'jwt' ? 'jwt.signature' : 'envelope.signatures',
    expected: `a signature by a key of ${trust.file} (signers: ${signers})`,
    found: `${signatures.length === 1 ? 'one signature' : `${signatures.length} signatures`} by no key of it${shown === '' ? '' : ` (key id ${shown})`}`,
    fix: `Have one of these signers sign it, or, after checking who made it, add the key to a signer in ${trust.file}`,
  }
}
