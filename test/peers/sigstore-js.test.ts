import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { PublicKeyDetails, type TrustedRoot } from '@sigstore/protobuf-specs'
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import { bundleOf, encodeBundle } from '#attestation'
import { signedArtifact, type SignedArtifact } from './signed-artifact.ts'

// No log, no certificates, no time stamps: a key that the reader has is all the trust there is.
const emptyRoot: TrustedRoot = {
  mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
  tlogs: [],
  certificateAuthorities: [],
  ctlogs: [],
  timestampAuthorities: [],
}
const thresholds = { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 }

test('@sigstore/verify accepts a bundle that Sallyport wrote', () => {
  using signed = signedArtifact()
  verify(signed, signed.bundle)
})

test('@sigstore/verify refuses the bundle with another payload', () => {
  using signed = signedArtifact()
  const payload = new Uint8Array(signed.envelope.payload)
  payload[payload.length - 2] = 0x20
  const changed = encodeBundle(bundleOf({ ...signed.envelope, payload }, signed.keyid))
  assert.throws(() => verify(signed, changed), { code: 'SIGNATURE_ERROR' })
})

test('@sigstore/verify finds the key by the hint of the bundle', () => {
  using signed = signedArtifact()
  const changed = encodeBundle(bundleOf(signed.envelope, 'somebody else'))
  assert.throws(() => verify(signed, changed), { code: 'PUBLIC_KEY_ERROR' })
})

function verify(signed: SignedArtifact, bundle: Uint8Array): void {
  const key = {
    rawBytes: signed.publicKey.export({ type: 'spki', format: 'der' }),
    keyDetails: PublicKeyDetails.PKIX_ECDSA_P256_SHA_256,
    validFor: undefined,
  }
  const entity = toSignedEntity(
    bundleFromJSON(JSON.parse(Buffer.from(bundle).toString('utf8')) as unknown),
  )
  new Verifier(toTrustMaterial(emptyRoot, { [signed.keyid]: key }), thresholds).verify(entity)
}
