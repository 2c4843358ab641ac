import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { bundleOf, encodeBundle } from '#attestation'
import { cosign } from './cosign.ts'
import { signedArtifact } from './signed-artifact.ts'

const options = 'reason' in cosign ? { skip: `skipped: ${cosign.reason}` } : {}

test('cosign accepts a bundle that Sallyport wrote', options, () => {
  using signed = signedArtifact()
  const { status, stderr } = verify(signed.bundleFile, signed.publicKeyFile, signed.artifact)
  assert.equal(status, 0, stderr)
  assert.match(stderr, /Verified OK/)
})

test('cosign refuses the bundle for another artifact', options, () => {
  using signed = signedArtifact()
  const other = signed.write('other.tgz', 'another artifact\n')
  const { status, stderr } = verify(signed.bundleFile, signed.publicKeyFile, other)
  assert.notEqual(status, 0, stderr)
  assert.match(stderr, /digest/i)
})

test('cosign refuses the bundle with another payload', options, () => {
  using signed = signedArtifact()
  const payload = new Uint8Array(signed.envelope.payload)
  payload[payload.length - 2] = 0x20
  const changed = encodeBundle(bundleOf({ ...signed.envelope, payload }, signed.keyid))
  const bundle = signed.write('changed.sigstore.json', changed)
  const { status, stderr } = verify(bundle, signed.publicKeyFile, signed.artifact)
  assert.notEqual(status, 0, stderr)
  assert.match(stderr, /signature/i)
})

test('cosign refuses the bundle under another key', options, () => {
  using signed = signedArtifact()
  using stranger = signedArtifact()
  const { status, stderr } = verify(signed.bundleFile, stranger.publicKeyFile, signed.artifact)
  assert.notEqual(status, 0, stderr)
  assert.match(stderr, /signature/i)
})

function verify(
  bundle: string,
  key: string,
  artifact: string,
): { readonly status: number | null; readonly stderr: string } {
  assert('path' in cosign)
  return spawnSync(
    cosign.path,
    [
      'verify-blob-attestation',
      '--bundle',
      bundle,
      '--key',
      key,
      '--type',
      'slsaprovenance1',
      // The bundle has no log entry: the key is trusted, as the trust file of Sallyport trusts it.
      '--insecure-ignore-tlog',
      artifact,
    ],
    { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' },
  )
}
