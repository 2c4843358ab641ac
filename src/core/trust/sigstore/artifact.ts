import { hash } from 'node:crypto'
import type { DigestSet, MessageDigest } from '#attestation'
import { quote, type Problem } from '#error'
import type { HashName } from './keys/scheme.ts'
import type { StatementSubjects } from './statement-subjects.ts'

/** What the bundle is to be about: the artifact itself, or its digests in lower-case hexadecimal. */
export type Artifact = { readonly bytes: Uint8Array } | { readonly digest: DigestSet }

/** Algorithms strong enough to say which artifact is meant, by their in-toto name, with node:crypto's name for them. */
const strong: ReadonlyMap<string, string> = new Map([
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
  ['sha512_256', 'sha512-256'],
  ['sha3_256', 'sha3-256'],
  ['sha3_384', 'sha3-384'],
  ['sha3_512', 'sha3-512'],
])

/** The digests of an artifact, computed when they are asked for. */
export class ArtifactDigests {
  readonly #artifact: Artifact
  readonly #computed = new Map<string, string>()

  constructor(artifact: Artifact) {
    this.#artifact = artifact
  }

  /** The artifact itself, where it is known. */
  get bytes(): Uint8Array | undefined {
    return 'bytes' in this.#artifact ? this.#artifact.bytes : undefined
  }

  /** The digest by that algorithm; undefined when it is unknown or too weak to count. */
  hex(algorithm: string): string | undefined {
    const name = strong.get(algorithm)
    if (name === undefined) return undefined
    if ('digest' in this.#artifact) {
      const { digest } = this.#artifact
      return Object.hasOwn(digest, algorithm) ? digest[algorithm] : undefined
    }
    const known = this.#computed.get(algorithm)
    if (known !== undefined) return known
    const computed = hash(name, this.#artifact.bytes, 'hex')
    this.#computed.set(algorithm, computed)
    return computed
  }

  of(algorithm: HashName): Buffer | undefined {
    const hex = this.hex(algorithm)
    return hex === undefined ? undefined : Buffer.from(hex, 'hex')
  }

  /** What is known of it, for messages. */
  describe(): string {
    if ('bytes' in this.#artifact) return `sha256:${this.hex('sha256')}`
    return describeDigests(this.#artifact.digest)
  }

  /** Whether a digest set is of this artifact: one strong digest is the same, and none is another. */
  matches(digests: DigestSet): boolean {
    let same = 0
    for (const [algorithm, digest] of Object.entries(digests)) {
      const own = this.hex(algorithm)
      if (own === undefined) continue
      if (own !== digest) return false
      same += 1
    }
    return same > 0
  }
}

/** Why a statement is not about the artifact; undefined when it is. */
export function subjectProblem(
  subject: StatementSubjects['subject'],
  artifact: ArtifactDigests,
): Problem | undefined {
  if (subject.some(({ digest = {} }) => artifact.matches(digest))) return undefined
  const shown = subject.slice(0, 3).map(({ name = 'unnamed', digest = {} }) => {
    return `${quote(name, 60)} ${describeDigests(digest)}`
  })
  const more = subject.length > 3 ? ` and ${subject.length - 3} more` : ''
  return {
    code: 'SIGSTORE_ARTIFACT',
    where: 'statement.subject',
    expected: `the artifact ${artifact.describe()}`,
    found: `${shown.join(', ')}${more}`,
    fix: 'Pass the bundle that was made for this artifact, or the artifact that this bundle is about',
  }
}

/** Why the digest that a signer wrote beside its signature is not of the artifact; undefined when it is. */
export function messageDigestProblem(
  { algorithm, digest }: MessageDigest,
  artifact: ArtifactDigests,
): Problem | undefined {
  const own = artifact.hex(algorithm)
  const found = Buffer.from(digest).toString('hex')
  if (own === undefined || own === found) return undefined
  return {
    code: 'SIGSTORE_ARTIFACT',
    where: 'bundle.messageSignature.messageDigest',
    expected: `the artifact ${algorithm}:${own}`,
    found: `${algorithm}:${found}`,
    fix: 'Pass the bundle that was made for this artifact, or the artifact that this bundle is about',
  }
}

function describeDigests(digests: DigestSet): string {
  const list = Object.entries(digests).map(([name, value]) => `${name}:${value}`)
  return list.length === 0 ? 'without a digest' : quote(list.join(' '), 200).slice(1, -1)
}
