import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { hash, sign } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { encodeEnvelope, inTotoPayloadType, pae } from '#attestation'
import { encodeCanonical, type JsonObject } from '#document'
import {
  authorityKeyId,
  extKeyUsage,
  fulcio,
  keyUsage,
  subjectAltName,
  uriName,
} from '../../src/core/trust/sigstore/testing/certificates.ts'
import {
  bytesOf,
  certificateOf,
  createInstance,
  rootJson,
  signBundle,
} from '../../src/core/trust/sigstore/testing/instance.ts'
import { makeKey } from '../../src/core/trust/testing/fixtures.ts'
import { verifySlsa } from './slsa/verify.ts'

const folder = mkdtempSync(join(tmpdir(), 'sallyport-slsa-client-'))
after(() => rmSync(folder, { recursive: true }))
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const now = new Date('2026-03-02T00:00:00Z')
const artifact = file('shop', 'the artifact')
const sha256 = hash('sha256', 'the artifact', 'hex')
const commit = 'a'.repeat(40)
const generator =
  'https://github.com/slsa-framework/slsa-github-generator/.github/workflows/generator_generic_slsa3.yml'
const source = {
  uri: 'git+https://github.com/acme/shop@refs/tags/v1.2.3',
  digest: { sha1: commit },
}
const instance = createInstance()
const root = file('root.json', bytesOf(rootJson(instance)))

/** What the generator at one of its versions signs for a run that somebody started by hand. */
function provenance(version = 'refs/tags/v2.1.0'): string {
  const builder = `${generator}@${version}`
  const certificate = certificateOf(instance, {
    extensions: [
      keyUsage(0),
      extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
      authorityKeyId(instance.intermediate.keys),
      subjectAltName(uriName(builder)),
      fulcio(8, 'https://token.actions.githubusercontent.com'),
      fulcio(9, builder),
      fulcio(12, 'https://github.com/acme/shop'),
      fulcio(13, commit),
      fulcio(14, 'refs/tags/v1.2.3'),
    ],
  })
  const event = { inputs: { flavour: 'sweet' }, base_ref: 'refs/heads/main' }
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: [{ name: 'shop', digest: { sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v0.2',
    predicate: {
      builder: { id: builder },
      buildType: 'https://github.com/slsa-framework/slsa-github-generator/generic@v1',
      invocation: {
        configSource: { ...source, entryPoint: '.github/workflows/release.yml' },
        environment: { github_event_payload: event },
      },
      materials: [source],
    },
  }
  const payload = Buffer.from(JSON.stringify(statement))
  const bundle = signBundle(instance, { payload, certificate })
  return file(`${version.replaceAll('/', '-')}.intoto.jsonl`, bytesOf(bundle))
}

const tagged = provenance()

function answer(more: readonly string[], path = tagged, what = artifact): string {
  const argv = ['verify-artifact', what, '--provenance-path', path, '--trusted-root', root]
  const uri = more.includes('--source-uri') ? [] : ['--source-uri', 'github.com/acme/shop']
  const { isGood, lines } = verifySlsa([...argv, ...uri, ...more], now)
  return isGood ? 'good' : (lines[0] ?? '').replace(/:.*$/s, '')
}

test('an artifact of a trusted builder is good for its source, tag, branch, builder and inputs', () => {
  for (const asked of [
    [],
    ['--source-uri', 'git+https://github.com/acme/shop'],
    ['--source-tag', 'v1.2.3'],
    ['--source-versioned-tag', 'v1'],
    ['--source-branch', 'main'],
    ['--builder-id', generator],
    ['--builder-id', `${generator}@v2.1.0`],
    ['--builder-id', `${generator}@refs/tags/v2.1.0`],
    ['--build-workflow-input', 'flavour=sweet'],
  ]) {
    assert.equal(answer(asked), 'good', asked.join(' '))
  }
  assert.equal(answer([], tagged, `sha256:${sha256}`), 'good')
})

test('what is not as it was asked for is refused under the name that slsa-verifier has for it', () => {
  for (const [asked, name] of [
    [['--source-uri', 'github.com/acme/shop2'], 'ErrorMismatchSource'],
    [['--source-tag', 'v1.2'], 'ErrorMismatchTag'],
    [['--source-versioned-tag', 'v1.3'], 'ErrorMismatchVersionedTag'],
    [['--source-branch', 'dev'], 'ErrorMismatchBranch'],
    [['--builder-id', `${generator}@v2.0.0`], 'ErrorUntrustedReusableWorkflow'],
    [
      ['--builder-id', 'https://github.com/evil/x/.github/workflows/y.yml'],
      'ErrorUntrustedReusableWorkflow',
    ],
    [['--build-workflow-input', 'flavour=salty'], 'ErrorMismatchWorkflowInputs'],
    [['--build-workflow-input', 'other=x'], 'ErrorMismatchWorkflowInputs'],
    [['--source-tag', 'v1', '--source-versioned-tag', 'v1'], 'ErrorInvalidFormat'],
  ] as const) {
    assert.equal(answer(asked), name, asked.join(' '))
  }
  assert.equal(answer([], tagged, file('other', 'other')), 'ErrorMismatchHash')
  const untagged = provenance('refs/heads/main')
  assert.equal(answer([], untagged), 'ErrorUntrustedReusableWorkflow')
})

test('one of several artifacts that is another one spoils the answer', () => {
  const argv = ['verify-artifact', artifact, file('third', 'third'), '--provenance-path', tagged]
  const more = ['--source-uri', 'github.com/acme/shop', '--trusted-root', root]
  assert.ok(!verifySlsa([...argv, ...more], now).isGood)
})

const key = makeKey()
const publicKey = file('key.pub', key.publicPem)
const vsaPredicate: JsonObject = {
  verifier: { id: 'https://verifier.example' },
  timeVerified: '2026-03-01T00:00:00Z',
  resourceUri: 'https://shop.example',
  policy: { uri: 'https://policy.example' },
  verificationResult: 'PASSED',
  verifiedLevels: ['CUSTOM_L1', 'SLSA_BUILD_LEVEL_2'],
}

function summary(dsaEncoding: 'der' | 'ieee-p1363' = 'der', keyid = 'the key'): string {
  const payload = encodeCanonical({
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest: { sha256, gce_image_id: '8970095005306000053' } }],
    predicateType: 'https://slsa.dev/verification_summary/v1',
    predicate: vsaPredicate,
  })
  const message = pae(inTotoPayloadType, payload)
  const sig = sign('sha256', message, { key: key.privateKey, dsaEncoding })
  const signatures = [{ keyid, sig }]
  const envelope = { payloadType: inTotoPayloadType, payload, signatures }
  return file(`vsa-${dsaEncoding}.json`, encodeEnvelope(envelope))
}

function vsa(path: string, changed: Readonly<Record<string, string>> = {}): string {
  const asked: Readonly<Record<string, string>> = {
    'attestation-path': path,
    'subject-digest': `sha256:${sha256}`,
    'verifier-id': 'https://verifier.example',
    'resource-uri': 'https://shop.example',
    'verified-level': 'SLSA_BUILD_LEVEL_2',
    'public-key-path': publicKey,
    'public-key-id': 'the key',
    ...changed,
  }
  const flags = Object.entries(asked).flatMap(([name, value]) => [`--${name}`, value])
  const { isGood, lines } = verifySlsa(['verify-vsa', ...flags], now)
  return isGood ? 'good' : (lines[0] ?? '').replace(/:.*$/s, '')
}

test('a summary is good for its subject, verifier, resource and levels, in both ways of writing signatures', () => {
  for (const encoding of ['der', 'ieee-p1363'] as const) {
    const path = summary(encoding)
    assert.equal(vsa(path), 'good')
    assert.equal(vsa(path, { 'subject-digest': 'gce_image_id:8970095005306000053' }), 'good')
    assert.equal(vsa(path, { 'verified-level': 'CUSTOM_L1,SLSA_BUILD_LEVEL_1' }), 'good')
    for (const [changed, name] of [
      [{ 'subject-digest': `sha256:${'ab'.repeat(32)}` }, 'ErrorMissingSubjectDigest'],
      [{ 'subject-digest': 'gce_image_id:1' }, 'ErrorMissingSubjectDigest'],
      [{ 'verifier-id': 'https://other.example' }, 'ErrorMismatchVerifierID'],
      [{ 'resource-uri': 'https://other.example' }, 'ErrorMismatchResourceURI'],
      [{ 'verified-level': 'SLSA_BUILD_LEVEL_3' }, 'ErrorMismatchSLSAResult'],
      [{ 'public-key-path': file('other.pub', makeKey().publicPem) }, 'ErrorNoValidSignature'],
      [{ 'public-key-id': 'another key' }, 'ErrorNoValidSignature'],
    ] as const) {
      assert.equal(vsa(path, changed), name, JSON.stringify(changed))
    }
  }
})

const npmKey = makeKey()
const npmKeys = file(
  'npm.keys.json',
  JSON.stringify({
    keys: [
      {
        keyId: 'SHA256:test',
        keyUsage: 'npm:attestations',
        publicKey: {
          rawBytes: npmKey.publicPem.replaceAll(/-----.*-----|\s/g, ''),
          validFor: { start: '2026-01-01T00:00:00Z' },
        },
      },
    ],
  }),
)
const sha512 = hash('sha512', 'the artifact', 'hex')
const publishType = 'https://github.com/npm/attestation/tree/main/specs/publish/v0.1'
const npmSubject = [{ name: 'pkg:npm/%40acme/shop@1.2.3', digest: { sha512 } }]

/** The registry's word that it has published the package, as a bundle with its key. */
function published(): JsonObject {
  const predicate = { name: '@acme/shop', version: '1.2.3', registry: 'https://registry.example' }
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: npmSubject,
    predicateType: publishType,
    predicate,
  }
  const payload = encodeCanonical(statement)
  const sig = sign('sha256', pae(inTotoPayloadType, payload), npmKey.privateKey)
  const envelope = {
    payloadType: inTotoPayloadType,
    payload,
    signatures: [{ keyid: 'SHA256:test', sig }],
  }
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle+json;version=0.2',
    verificationMaterial: { publicKey: { hint: 'SHA256:test' }, tlogEntries: [] },
    dsseEnvelope: JSON.parse(Buffer.from(encodeEnvelope(envelope)).toString()) as JsonObject,
  }
}

/** Provenance of a run of the repository's own workflow, in one of its two versions. */
function npmProvenance(version: 'v1' | 'v0.2'): JsonObject {
  const publish = '.github/workflows/publish.yml'
  const run = `https://github.com/acme/shop/${publish}@refs/tags/v1.2.3`
  const certificate = certificateOf(instance, {
    extensions: [
      keyUsage(0),
      extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
      authorityKeyId(instance.intermediate.keys),
      subjectAltName(uriName(run)),
      fulcio(8, 'https://token.actions.githubusercontent.com'),
      fulcio(9, run),
      fulcio(11, 'github-hosted'),
      fulcio(12, 'https://github.com/acme/shop'),
      fulcio(13, commit),
      fulcio(14, 'refs/tags/v1.2.3'),
    ],
  })
  const runner = 'https://github.com/actions/runner'
  const predicate =
    version === 'v1'
      ? {
          buildDefinition: {
            buildType: 'https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1',
            externalParameters: {
              workflow: {
                ref: 'refs/tags/v1.2.3',
                repository: 'https://github.com/acme/shop',
                path: publish,
              },
            },
            resolvedDependencies: [{ uri: source.uri, digest: { gitCommit: commit } }],
          },
          runDetails: { builder: { id: `${runner}/github-hosted` } },
        }
      : {
          builder: { id: runner },
          buildType: 'https://github.com/npm/cli/gha/v2',
          invocation: {
            configSource: { ...source, entryPoint: `acme/shop/${publish}@refs/tags/v1.2.3` },
          },
          materials: [source],
        }
  const statement = {
    _type: 'https://in-toto.io/Statement/v0.1',
    subject: npmSubject,
    predicateType: `https://slsa.dev/provenance/${version}`,
    predicate,
  }
  return signBundle(instance, { payload: Buffer.from(JSON.stringify(statement)), certificate })
}

function npm(bundles: readonly JsonObject[], more: readonly string[] = []): string {
  const attestations = bundles.map((bundle) => ({ predicateType: 'x', bundle }))
  const path = file('attestations.json', JSON.stringify({ attestations }))
  const uri = more.includes('--source-uri') ? [] : ['--source-uri', 'github.com/acme/shop']
  const argv = ['verify-npm-package', artifact, '--attestations-path', path, ...uri, ...more]
  const { isGood, lines } = verifySlsa(
    [...argv, '--trusted-root', root, '--npm-keys', npmKeys],
    now,
  )
  return isGood ? 'good' : (lines[0] ?? '').replace(/:.*$/s, '')
}

test('an npm package has its run and its registry behind it, under the name and version that are asked for', () => {
  const named = ['--package-name', '@acme/shop', '--package-version', '1.2.3']
  const runner = 'https://github.com/actions/runner'
  for (const version of ['v1', 'v0.2'] as const) {
    const both = [published(), npmProvenance(version)]
    assert.equal(npm(both), 'good')
    assert.equal(npm(both, named), 'good')
    assert.equal(npm(both, [...named, '--builder-id', `${runner}/github-hosted`]), 'good')
    const isShort = npm(both, ['--builder-id', runner])
    assert.equal(isShort === 'good', version === 'v0.2', isShort)
    assert.equal(npm(both, ['--source-uri', 'github.com/acme/other']), 'ErrorMismatchSource')
    const other = ['--package-name', '@acme/shop', '--package-version', '1.2.4']
    assert.equal(npm(both, other), 'ErrorMismatchPackageVersion')
    assert.equal(npm(both, ['--package-name', '@acme/shop2']), 'ErrorMismatchPackageName')
    // Neither is good without the other.
    assert.notEqual(npm([published()]), 'good')
    assert.notEqual(npm([npmProvenance(version)]), 'good')
  }
})

test('an image without digest, and a command line that is none, are refused with 1', () => {
  const run = (...argv: readonly string[]): readonly [number | null, string] => {
    const { status, stderr } = spawnSync(join(import.meta.dirname, 'slsa-client'), argv, {
      encoding: 'utf8',
    })
    return [status, stderr]
  }
  assert.deepEqual(run('verify-image', 'shop:latest'), [
    1,
    'ErrorMutableImage: shop:latest has no digest\n',
  ])
  assert.equal(run('verify')[0], 1)
  assert.equal(run('verify-artifact', artifact, '--nonsense')[0], 1)
})
