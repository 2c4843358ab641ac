import type { Json } from '#document'
import { verifySigstoreBundle } from '../verify.ts'
import type { SigstoreOptions } from '../options.ts'
import type { SigstoreResult, VerifiedBundle } from '../result.ts'
import { edited, type Edit } from './edit.ts'
import {
  artifact,
  bytesOf,
  createInstance,
  issuer,
  rootOf,
  signBundle,
  subject,
  type SignOptions,
} from './instance.ts'

/** One instance for all tests of a file: making keys takes time. */
export const instance = createInstance()
export const root = rootOf(instance)
export const signer = { trustedRoot: root, identities: [{ issuer, subject }] }

/** Verifies a bundle as most tests do: this instance, this identity, this artifact. */
export function check(bundle: Json, options: Partial<SigstoreOptions> = {}): SigstoreResult {
  return verifySigstoreBundle({
    bundle: bytesOf(bundle),
    artifact: { bytes: artifact },
    signer,
    ...options,
  })
}

/** The codes of a refusal; none for a yes. */
export function codes(result: SigstoreResult): readonly string[] {
  return result.kind === 'verified' ? [] : result.problems.map(({ code }) => code)
}

/** The proof, or a failure of the test that says why there is none. */
export function proven(result: SigstoreResult): VerifiedBundle {
  if (result.kind === 'verified') return result
  throw new Error(JSON.stringify(result.problems, undefined, 1))
}

/** Why a bundle that was changed is refused. */
export function refused(options: SignOptions, ...edits: readonly Edit[]): readonly string[] {
  return codes(check(edited(signBundle(instance, options), ...edits)))
}

/** Why a bundle is refused under a root that was changed. */
export function refusedUnder(bundle: Json, ...edits: readonly Edit[]): readonly string[] {
  const trustedRoot = rootOf(instance, ...edits)
  return codes(check(bundle, { signer: { ...signer, trustedRoot } }))
}

/** Places in a bundle. */
export const places = {
  certificate: 'verificationMaterial.certificate',
  chain: 'verificationMaterial.x509CertificateChain',
  entries: 'verificationMaterial.tlogEntries',
  entry: 'verificationMaterial.tlogEntries.0',
  proof: 'verificationMaterial.tlogEntries.0.inclusionProof',
  stamps: 'verificationMaterial.timestampVerificationData.rfc3161Timestamps',
} as const

/** A bundle with an entry in Rekor v2 and a time stamp. */
export const v2: SignOptions = { logs: [{ log: instance.v2 }], timestamps: [{}] }
