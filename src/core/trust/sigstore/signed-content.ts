import { hash } from 'node:crypto'
import { pae, type Bundle, type Envelope } from '#attestation'
import type { ArtifactDigests } from './artifact.ts'
import type { PublicKey } from './keys/public-key.ts'
import {
  schemesFor,
  verifyDigest,
  verifyMessage,
  type HashName,
  type Scheme,
} from './keys/scheme.ts'

/** What the one signature of a bundle covers. */
export class SignedContent {
  readonly signature: Uint8Array
  /** The envelope, when the signature covers one. */
  readonly envelope?: Envelope
  readonly #artifact: ArtifactDigests | undefined
  readonly #message: Uint8Array | undefined
  readonly #digests = new Map<HashName, Buffer>()

  constructor({ content }: Bundle, artifact: ArtifactDigests | undefined) {
    if (content.kind === 'dsseEnvelope') {
      const { envelope } = content
      this.envelope = envelope
      // The parser lets no bundle through whose envelope has another number of signatures than one.
      this.signature = envelope.signatures[0]?.sig ?? new Uint8Array()
      this.#message = pae(envelope.payloadType, envelope.payload)
    } else {
      this.signature = content.signature
      this.#artifact = artifact
      this.#message = artifact?.bytes
    }
  }

  /** The digest of what was signed; undefined when only other digests of the artifact are known. */
  digest(algorithm: HashName): Buffer | undefined {
    if (this.#message === undefined) return this.#artifact?.of(algorithm)
    const known = this.#digests.get(algorithm)
    if (known !== undefined) return known
    const computed = hash(algorithm, this.#message, 'buffer')
    this.#digests.set(algorithm, computed)
    return computed
  }

  /**
   * Whether the key has signed this. `required` limits the schemes to what a log has written down. The answer is
   * `unknown` when the artifact is known by other digests than the one that was signed.
   */
  isSignedBy(key: PublicKey, required: readonly Scheme[]): 'yes' | 'no' | 'unknown' {
    let answer: 'no' | 'unknown' = 'no'
    for (const scheme of schemesFor(key)) {
      if (!required.every((one) => isSame(one, scheme))) continue
      if (this.#message !== undefined) {
        if (verifyMessage(scheme, key, this.#message, this.signature)) return 'yes'
        continue
      }
      const digest = scheme.hash === null ? undefined : this.digest(scheme.hash)
      if (digest === undefined) answer = 'unknown'
      else if (verifyDigest(scheme, key, digest, this.signature)) return 'yes'
    }
    return answer
  }
}

/** Names of the registry that fix a length of key mean the same signature as those that do not. */
function isSame(a: Scheme, b: Scheme): boolean {
  return (
    a.kind === b.kind && a.hash === b.hash && a.padding === b.padding && a.prehashed === b.prehashed
  )
}
