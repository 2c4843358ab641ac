import type { Bundle } from '#attestation'
import { quote, type Problem } from '#error'
import { identityMatches } from './sigstore/identity.ts'
import type { SigstoreOptions } from './sigstore/options.ts'
import type { VerifiedBundle } from './sigstore/result.ts'
import { verifySigstoreBundle } from './sigstore/verify.ts'
import type { FulcioClaims } from './sigstore/x509/fulcio.ts'
import type { CertificatePin, Trust, TrustedIdentity, TrustedKey } from './trust.ts'
import type { TrustedTime } from './validity.ts'

/** What a certificate authority, and the logs that know the signature, prove about who signed. */
export interface CertificateProof {
  /** The name of the trusted root, in the trust file. */
  readonly root: string
  /** Lower-case hex sha256 of the certificate (DER). */
  readonly keyid: string
  readonly issuer: string
  readonly subject: string
  readonly subjectKind: string
  /** What the authority wrote about the run that asked for the certificate, by Fulcio's names. */
  readonly claims: Readonly<Record<string, string>>
  /** At least one. */
  readonly times: readonly TrustedTime[]
}

/** Who signed with a certificate, as far as the trust file knows them. */
export interface Identities {
  readonly found: readonly {
    readonly identity: TrustedIdentity
    readonly proof: CertificateProof
  }[]
  /** Why there is nobody, when there is nobody. */
  readonly problems: readonly Problem[]
  /** Whether the certificate is good, and of somebody whom the trust file does not name. */
  readonly isStranger: boolean
}

/**
 * Finds the identities that made the signature of a bundle. It depends on bytes and trust alone: the times at which a
 * certificate has to be good are those that others than its holder prove.
 */
export function findIdentities(
  bundle: Bundle,
  trust: Trust,
  artifact: SigstoreOptions['artifact'] = 'anyArtifactUnsafe',
): Identities {
  const known = [...trust.signers.values()].flatMap(({ identities }) => identities)
  const names = [...new Set(known.map(({ root }) => root))]
  const failures: (readonly Problem[])[] = []
  const proofs: { readonly proof: CertificateProof; readonly verified: VerifiedBundle }[] = []
  for (const name of names) {
    const trustedRoot = trust.roots.get(name)
    if (trustedRoot === undefined) continue
    const result = verifySigstoreBundle({
      bundle,
      // Which artifact a statement is about, and whose identity it is, are asked below and by `decide`.
      artifact,
      signer: { trustedRoot, identities: 'anyIdentityUnsafe' },
    })
    if (result.kind === 'rejection') failures.push(result.problems)
    else proofs.push(...proofOf(name, result).map((proof) => ({ proof, verified: result })))
  }
  if (proofs.length === 0) return { found: [], problems: nearest(failures), isStranger: false }
  const matches = proofs.flatMap(({ proof, verified }) =>
    known
      .filter(({ root }) => root === proof.root)
      .filter(({ match }) => isOf(verified, match))
      .map((identity) => ({ identity, proof, bad: badPin(identity, proof) })),
  )
  const found = matches.filter(({ bad }) => bad === undefined)
  if (found.length > 0) return { found, problems: [], isStranger: false }
  const pinned = matches.flatMap(({ bad }) => bad ?? [])
  const [first] = proofs
  const problems =
    pinned.length > 0 || first === undefined ? pinned : [stranger(first.proof, known)]
  return { found: [], problems, isStranger: true }
}

/** The times that logs and authorities prove about a key's signature; none when anything about them is wrong. */
export function timesOf(
  bundle: Bundle,
  key: TrustedKey,
  trust: Trust,
  artifact: SigstoreOptions['artifact'] = 'anyArtifactUnsafe',
): readonly TrustedTime[] {
  if (bundle.tlogEntries.length + bundle.timestamps.length === 0) return []
  return key.timesBy.flatMap((name) => {
    const trustedRoot = trust.roots.get(name)
    if (trustedRoot === undefined) return []
    const result = verifySigstoreBundle({
      bundle,
      artifact,
      signer: { publicKey: key.key, trustedRoot },
      thresholds: { times: 0, logs: 0 },
    })
    return result.kind === 'verified' ? timesIn(result) : []
  })
}

function timesIn({ times }: VerifiedBundle): readonly TrustedTime[] {
  return times.map(({ time, source }) => ({ at: time, by: source }))
}

function proofOf(root: string, bundle: VerifiedBundle): readonly CertificateProof[] {
  const { signer } = bundle
  if (signer.kind !== 'certificate') return []
  const { identity, claims, certificate } = signer
  return [
    {
      root,
      keyid: certificate,
      issuer: identity.issuer ?? '',
      subject: identity.subject.value,
      subjectKind: identity.subject.kind,
      claims: textsOf(claims),
      times: timesIn(bundle),
    },
  ]
}

function textsOf(claims: FulcioClaims): Readonly<Record<string, string>> {
  const texts = Object.entries(claims).filter(
    (entry): entry is [string, string] => typeof entry[1] === 'string',
  )
  return Object.freeze(Object.fromEntries(texts))
}

function isOf({ signer }: VerifiedBundle, match: TrustedIdentity['match']): boolean {
  return signer.kind === 'certificate' && identityMatches(signer.identity, match)
}

function badPin({ pins, where, signer }: TrustedIdentity, proof: CertificateProof) {
  const bad = pins.find(({ name, wanted }) => !isAsWanted(proof.claims[name], wanted))
  if (bad === undefined) return undefined
  const found = proof.claims[bad.name]
  const problem: Problem = {
    code: 'SIGNATURE_CERTIFICATE_PIN',
    where,
    expected: `a certificate of ${signer} whose ${bad.name} is ${showPin(bad)}`,
    found: found === undefined ? `a certificate without ${bad.name}` : quote(found),
    fix: `Build and sign it where ${bad.name} is ${showPin(bad)}, or correct "certificate" of this identity of ${signer}`,
  }
  return problem
}

/** Compared character by character; a path that climbs is not below its prefix. */
function isAsWanted(found: string | undefined, wanted: CertificatePin['wanted']): boolean {
  if (found === undefined) return false
  if (typeof wanted === 'string') return found === wanted
  return found.startsWith(wanted.prefix) && !/\\|%2e|%2f|%5c|\/\.{1,2}(?:[/?#@]|$)/i.test(found)
}

function showPin({ wanted }: CertificatePin): string {
  return typeof wanted === 'string' ? quote(wanted) : `below ${quote(wanted.prefix)}`
}

function stranger(proof: CertificateProof, known: readonly TrustedIdentity[]): Problem {
  const { issuer, subject, root } = proof
  const shown = known
    .filter((identity) => identity.root === root)
    .slice(0, 4)
    .map(({ match, signer }) => {
      const who = 'subject' in match ? quote(match.subject) : `below ${quote(match.subjectPrefix)}`
      return `${who} by ${quote(match.issuer)} (${signer})`
    })
  return {
    code: 'SIGNATURE_UNKNOWN_IDENTITY',
    where: 'bundle.verificationMaterial.certificate',
    expected: shown.join(', or '),
    found: `a good signature of ${quote(subject)}, vouched for by ${issuer === '' ? 'no issuer' : quote(issuer)}`,
    fix: 'Have one of these identities sign it, or, after checking who this is, add the identity to a signer in the trust file',
  }
}

/** Of several roots, the one under which least is wrong; that a root does not know the authority is the least helpful. */
function nearest(failures: readonly (readonly Problem[])[]): readonly Problem[] {
  const rank = (problems: readonly Problem[]): number =>
    problems.some(({ code }) => code === 'SIGSTORE_CHAIN') ? 1000 : problems.length
  const problems = [...failures].sort((a, b) => rank(a) - rank(b))[0] ?? []
  // That its authority is unknown explains whatever else is wrong with a bundle of another instance.
  const isFirst = (one: Problem): number => Number(one.code === 'SIGSTORE_CHAIN')
  return [...problems].sort((a, b) => isFirst(b) - isFirst(a))
}
