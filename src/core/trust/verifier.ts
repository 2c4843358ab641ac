import type { Statement } from '#attestation'
import { deepFreeze, isAtOrAfter, Recent, sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { authorise, stages, type Miss } from './authorise.ts'
import { findSigners, type Signatures } from './find-signers.ts'
import { readSigned, type Signed } from './signed.ts'
import type { Trust } from './trust.ts'
import {
  makeVerified,
  type Rejection,
  type UnverifiedClaims,
  type Verified,
  type VerifiedSigner,
} from './verified.ts'

/** One attestation, opened: what it says can be looked at, and whether that may be believed can be asked. */
export interface OpenedAttestation {
  /** Lower-case hex sha256 of the attestation's bytes. */
  readonly digest: string
  /** What it says, not verified; missing when it cannot be read. */
  readonly claims?: UnverifiedClaims
  /** Whether it may be believed at this time. Everything that goes wrong inside is a Rejection. */
  verify(now: Date): Verified<Statement> | Rejection
}

/** Verifies attestations against one trust file. */
export interface Verifier {
  readonly trust: Trust
  /** Reads an attestation; never throws for any bytes. */
  open(bytes: Uint8Array): OpenedAttestation
}

export interface VerifierOptions {
  /** How many bytes of attestations are remembered; default 64 MiB, 0 remembers nothing. */
  readonly rememberBytes?: number
}

/**
 * Makes a verifier that remembers, by the digest of an attestation, what does not depend on time: what it says, and
 * whose signatures are good. Validity, retirement and authority are asked anew each time. The memory is bounded and
 * never changes an answer, so whoever uses a verifier stays pure.
 */
export function createVerifier(trust: Trust, options: VerifierOptions = {}): Verifier {
  const memory = new Recent<OpenedAttestation>({ size: options.rememberBytes ?? 64 * 1024 * 1024 })
  return {
    trust,
    open(bytes) {
      const digest = sha256Hex(bytes)
      const known = memory.get(digest)
      if (known !== undefined) return known
      const opened = openAttestation(bytes, digest, trust)
      memory.set(digest, opened, bytes.length)
      return opened
    },
  }
}

/**
 * Verifies one attestation: an authentic signature, by a signer of the trust file who may make this kind of statement
 * and speak for this builder, with keys that may be believed at `now`, as many as its threshold asks for.
 * Every exception inside is a Rejection.
 */
export function verifyAttestation(
  bytes: Uint8Array,
  trust: Trust,
  now: Date,
): Verified<Statement> | Rejection {
  return createVerifier(trust, { rememberBytes: 0 }).open(bytes).verify(now)
}

function openAttestation(bytes: Uint8Array, digest: string, trust: Trust): OpenedAttestation {
  let signed: Signed
  try {
    signed = readSigned(bytes)
  } catch (error) {
    const rejection = reject(digest, stages.unreadable, problemsOf(error))
    return { digest, verify: () => rejection }
  }
  const { statement } = signed
  // Frozen through and through: verdicts share it, and nobody may change what a signature covered.
  deepFreeze(statement)
  let signatures: Signatures | undefined
  return {
    digest,
    ...(statement === undefined ? {} : { claims: claimsOf(statement) }),
    verify(now) {
      try {
        signatures ??= findSigners(signed, trust)
        // Once the signatures are judged, what they cover need not be kept beside what it says.
        signed = withoutBytes(signed)
        return judge(digest, signed, signatures, trust, now)
      } catch (error) {
        return reject(digest, stages.unreadable, problemsOf(error))
      }
    },
  }
}

function withoutBytes(signed: Signed): Signed {
  const { format, statement, unreadable, builderId, hasCertificate, window } = signed
  return {
    format,
    hasCertificate,
    window,
    message: new Uint8Array(),
    signatures: [],
    ...(statement === undefined ? {} : { statement }),
    ...(unreadable === undefined ? {} : { unreadable }),
    ...(builderId === undefined ? {} : { builderId }),
  }
}

function claimsOf({ predicateType, subject }: Statement): UnverifiedClaims {
  return { predicateType, subject }
}

function judge(
  digest: string,
  signed: Signed,
  { vouchers, problems, isForged }: Signatures,
  trust: Trust,
  now: Date,
): Verified<Statement> | Rejection {
  const { statement, unreadable } = signed
  if (vouchers.length === 0) {
    return reject(digest, isForged ? stages.forged : stages.stranger, problems)
  }
  if (unreadable !== undefined || statement === undefined) {
    return reject(digest, stages.content, unreadable?.problems ?? [])
  }
  const { signers, misses } = authorise({ ...signed, statement }, vouchers, trust, now)
  const outside = outsideWindow(signed, now)
  if (signers.length > 0 && outside === undefined)
    return believe(digest, signed, statement, signers)
  const nearestFirst = [...misses, ...(outside ?? [])].sort((a, b) => b.stage - a.stage)
  const stage = nearestFirst[0]?.stage ?? stages.stranger
  return reject(
    digest,
    stage,
    nearestFirst.map((miss) => miss.problem),
  )
}

function believe(
  digest: string,
  { format, builderId, window }: Signed,
  value: Statement,
  signers: readonly VerifiedSigner[],
): Verified<Statement> {
  return makeVerified({
    value,
    digest,
    format,
    signers: signers.map((signer) => withEnd(signer, window.expires)),
    ...(builderId === undefined ? {} : { builderId }),
  })
}

function withEnd<T extends { readonly validUntil?: Date }>(signer: T, expires?: string): T {
  if (expires === undefined) return signer
  const end = new Date(expires)
  const { validUntil } = signer
  return { ...signer, validUntil: validUntil === undefined || end < validUntil ? end : validUntil }
}

/** RFC 7519 §4.1.4, §4.1.5: a token says itself from when to when it may be used. */
function outsideWindow({ window }: Signed, now: Date): readonly Miss[] | undefined {
  const { notBefore, expires } = window
  if (notBefore === undefined && expires === undefined) return undefined
  const expected = () => `a token that is good at ${now.toISOString()}`
  const fix = 'Get a new token from the issuer, or check the clock of this machine'
  const late = { code: 'TOKEN_EXPIRED', where: 'jwt.claims.exp' } as const
  const early = { code: 'TOKEN_NOT_YET_VALID', where: 'jwt.claims.nbf' } as const
  if (expires !== undefined && isAtOrAfter(now, new Date(expires))) {
    return [{ stage: stages.time, problem: { ...late, expected: expected(), found: expires, fix } }]
  }
  if (notBefore === undefined || isAtOrAfter(now, new Date(notBefore))) return undefined
  return [
    { stage: stages.time, problem: { ...early, expected: expected(), found: notBefore, fix } },
  ]
}

function reject(digest: string, stage: number, problems: readonly Problem[]): Rejection {
  const [first = unexplained('no reason'), ...also] = problems
  return { kind: 'rejection', digest, stage, problems: [first, ...also] }
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SallyportError) return error.problems
  return [unexplained(error instanceof Error ? error.message : String(error))]
}

// Evidence is the attacker's: what makes a parser stumble is a refusal, never a crash of the gate.
function unexplained(message: string): Problem {
  return {
    code: 'EVIDENCE_CHECK_FAILED',
    where: 'attestation',
    expected: 'an attestation that can be checked',
    found: quote(message),
    fix: 'Get the attestation again from its signer; if it is right, report this as a defect of Sallyport',
  }
}
