import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { test } from 'node:test'
import {
  encodeBundle,
  isProvenanceType,
  pae,
  parseAttestation,
  parseBundle,
  parseJws,
  parseStatement,
  readProvenance,
  splitAttestations,
  type Envelope,
  type Provenance,
} from '#attestation'
import { SallyportError } from '#error'

// What others made: run where their samples lie beside the repository.
const data = resolve(import.meta.dirname, '../../../../shared/data')
const options = existsSync(data) ? {} : { skip: 'skipped: no ../shared' }

test(
  'every real Sigstore bundle is read, and those of version 0.3 are written again',
  options,
  () => {
    const files = globSync(join(data, 'bundles/v/*.json'))
    assert(files.length >= 78)
    for (const file of files) {
      const bundle = parseBundle(readFileSync(file))
      if (bundle.version !== '0.3') continue
      const again = parseBundle(encodeBundle(bundle))
      assert.deepEqual({ ...again, mediaType: bundle.mediaType }, bundle, file)
    }
  },
)

test("Sigstore's conformance bundles are read, except those whose form is wrong", options, () => {
  const refused = new Map<string, string>()
  for (const file of globSync(join(data, 'sigstore-conformance/*/bundle.sigstore.json'))) {
    const code = codeOf(() => parseBundle(readFileSync(file)))
    if (code !== undefined) refused.set(basename(dirname(file)), code)
  }
  assert.deepEqual(Object.fromEntries(refused), {
    'bundle-malformed-json_fail': 'DOCUMENT_SYNTAX',
    'intoto-missing-inclusion-proof_fail': 'ATTESTATION_BUNDLE_CONTENT',
    'invalid-inclusion-proof_fail': 'ATTESTATION_BUNDLE_CONTENT',
  })
})

test(
  'statements in real bundles are read, except those that lack a required field',
  options,
  () => {
    const refused: string[] = []
    for (const file of globSync(join(data, 'bundles/v/*.json'))) {
      const { content } = parseBundle(readFileSync(file))
      if (content.kind !== 'dsseEnvelope' || content.envelope.payload[0] !== 0x7b) continue
      const code = codeOf(() => parseStatement(content.envelope.payload))
      if (code !== undefined) refused.push(`${basename(file)} ${code}`)
    }
    // Its predicateType is empty.
    assert.deepEqual(refused, ['c93df61a97426c79.sigstore.json ATTESTATION_FIELD'])
  },
)

test(
  'the provenance of slsa-verifier is read, and names its builder and its source',
  options,
  () => {
    const found: Provenance[] = []
    for (const envelope of slsaEnvelopes()) {
      const statement = parseStatement(envelope.payload)
      if (!isProvenanceType(statement.predicateType)) continue
      const provenance = readProvenance(statement)
      assert.match(provenance.builderId, /^https:\/\//)
      assert.match(provenance.source?.uri ?? '', /^git\+https:\/\/github\.com\/[\w-]+\/[\w-]+$/)
      const digests = Object.keys(provenance.source?.digest ?? {})
      assert(digests.includes('gitCommit') || digests.includes('sha1'))
      found.push(provenance)
    }
    assert.deepEqual(new Set(found.map(({ format }) => format)), new Set(['slsa-v1', 'slsa-v0.2']))
    assert(found.length >= 35, `${found.length}`)
  },
)

test('the DSSE vectors of others give the same bytes to sign', options, () => {
  const vectors = lines('vectors/dsse.ndjson') as {
    in: { payloadType: string; payload_b64: string }
    expect: { out: string }
  }[]
  for (const { in: input, expect } of vectors) {
    const bytes = pae(input.payloadType, Buffer.from(input.payload_b64, 'base64'))
    assert.equal(Buffer.from(bytes).toString('base64'), expect.out)
  }
})

test(
  'compact tokens of others that are good are read, and malformed ones are refused',
  options,
  () => {
    const vectors = lines('vectors/jws.ndjson') as {
      id: string
      note?: string
      in: { jws: unknown }
      expect: { ok: boolean }
    }[]
    // The rest of the bad ones are well-formed: their signature is wrong, which the parser does not look at.
    const malformed =
      /MissingSignature|MissingPayloadAnd|MissingHeader|Separator|ExtraEmpty|JsonSerial|Spaces|spaces|nvalidCharacters|UnusedBits/
    for (const { id, note = '', in: input, expect } of vectors) {
      if (typeof input.jws !== 'string' || input.jws.startsWith('{')) continue
      const token = Buffer.from(input.jws, 'utf8')
      const code = codeOf(() => parseJws(token))
      if (expect.ok) assert.equal(code, undefined, `${id} ${note}`)
      else if (malformed.test(note)) assert.notEqual(code, undefined, `${id} ${note}`)
    }
  },
)

function slsaEnvelopes(): readonly Envelope[] {
  return globSync(join(data, 'slsa-verifier/testdata/**/*'), { withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:slsa|jsonl)$/.test(entry.name))
    .flatMap((entry) => splitAttestations(readFileSync(join(entry.parentPath, entry.name))))
    .map((bytes) => parseAttestation(bytes))
    .flatMap((attestation) => {
      if (attestation.kind === 'envelope') return [attestation.envelope]
      if (attestation.kind !== 'bundle') return []
      const { content } = attestation.bundle
      return content.kind === 'dsseEnvelope' ? [content.envelope] : []
    })
}

function lines(file: string): readonly unknown[] {
  const text = readFileSync(join(data, file), 'utf8').trim()
  return text.split('\n').map((line) => JSON.parse(line) as unknown)
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof SallyportError) return error.code
    throw error
  }
}
