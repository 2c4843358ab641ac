import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseAttestation } from './attestation.ts'
import { cloudBuildEnvelopes } from './cloud-build.ts'
import { splitAttestations } from './split.ts'

const sha256 = 'ab'.repeat(32)
const image = 'registry.example/acme/shop'
const slsaProvenance = { builder: { id: 'https://builder.example' }, recipe: { type: 'x' } }
const head = {
  _type: 'https://in-toto.io/Statement/v0.1',
  predicateType: 'https://slsa.dev/provenance/v0.1',
  subject: [{ name: `https://${image}`, digest: { sha256 } }],
}
const signed = { ...head, predicate: slsaProvenance, slsaProvenance }

type Json = Record<string, unknown>

function record(more: Json = {}, statement: Json = signed): Json {
  const payload = Buffer.from(JSON.stringify(statement)).toString('base64url')
  return {
    kind: 'BUILD',
    build: { intotoStatement: { ...head, slsaProvenance } },
    envelope: {
      payload,
      payloadType: 'application/vnd.in-toto+json',
      signatures: [{ keyid: 'k', sig: 'MEYC' }],
    },
    ...more,
  }
}

function printed(records: readonly Json[], digest = `sha256:${sha256}`): Buffer {
  return Buffer.from(
    JSON.stringify(
      {
        image_summary: { digest, fully_qualified_digest: `${image}@sha256:${sha256}` },
        provenance_summary: { provenance: records },
      },
      null,
      2,
    ),
  )
}

const refused = (bytes: Uint8Array, code: string): void => {
  assert.throws(() => cloudBuildEnvelopes(bytes), { code })
  // The file as a whole is told to be wrong by whoever reads it, for the same reason.
  const [part, ...more] = splitAttestations(bytes)
  assert.deepEqual(more, [])
  assert.throws(() => parseAttestation(part ?? new Uint8Array()), { code })
}

test('what gcloud prints is taken apart into its envelopes', () => {
  const parts = splitAttestations(printed([record(), record()]))
  assert.equal(parts.length, 2)
  const [first = new Uint8Array()] = parts
  assert.equal(parseAttestation(first).kind, 'envelope')
})

test('in provenance v1 the text has another name', () => {
  const statement = { ...head, predicateType: 'https://slsa.dev/provenance/v1', predicate: {} }
  const one = record({ build: { inTotoSlsaProvenanceV1: statement } }, statement)
  assert.equal(cloudBuildEnvelopes(printed([one])).length, 1)
})

test('text that says something else than what was signed is refused', () => {
  for (const text of [
    { ...head, slsaProvenance: { ...slsaProvenance, recipe: { type: 'y' } } },
    { ...head, slsaProvenance, subject: [{ name: 'x', digest: { sha256: 'cd'.repeat(32) } }] },
    { ...head, slsaProvenance, more: 1 },
    { slsaProvenance },
  ]) {
    refused(printed([record({ build: { intotoStatement: text } })]), 'CLOUD_BUILD_TEXT')
  }
  refused(printed([record({ build: {} })]), 'CLOUD_BUILD_TEXT')
  refused(printed([record({}, { ...signed, slsaProvenance: { builder: {} } })]), 'CLOUD_BUILD_TEXT')
})

test('an image under two digests is refused', () => {
  refused(printed([record()], `sha256:${'cd'.repeat(32)}`), 'CLOUD_BUILD_DIGEST')
  refused(printed([record()], ''), 'CLOUD_BUILD_DIGEST')
})

test('records of another kind, and none at all, are refused', () => {
  refused(printed([record({ kind: 'BUIL' })]), 'ATTESTATION_FIELD')
  refused(printed([]), 'ATTESTATION_FIELD')
  refused(printed([{}]), 'ATTESTATION_FIELD')
})

test('one good record is enough', () => {
  assert.equal(cloudBuildEnvelopes(printed([record({ kind: 'VULN' }), record()])).length, 1)
})
