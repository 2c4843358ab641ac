// Writes the two worlds that are no decision vectors. Run it when a format changes: `node test/fuzz/decision/make-worlds.ts`.
import { writeFileSync } from 'node:fs'
import { parseBundle, predicateTypes } from '#attestation'
import type { JsonObject } from '#document'
import {
  approval,
  builtRule,
  keys,
  now,
  policyText,
  request,
  sha256,
} from '../../../src/core/decision/testing/fixtures.ts'
import {
  built,
  leftPad,
  listed,
  people,
  pushedBy,
  rebuilt,
  reviewed,
  scannedOn,
  summary,
  testedAs,
  verifierId,
  vex,
  world,
} from '../../../src/core/decision/testing/world.ts'
import { signed } from '../../../src/core/decision/testing/fixtures.ts'
import {
  artifactDigest,
  bytesOf,
  certificateOf,
  createInstance,
  issuer,
  rootJson,
  signBundle,
  subject,
} from '../../../src/core/trust/sigstore/testing/instance.ts'
import { bundleBytes, trustBytes, type TestKey } from '../../../src/core/trust/testing/fixtures.ts'
import type { Statement } from '#attestation'
import { keyOf } from './keys.ts'
import type { WrittenWorld } from './worlds.ts'

const everybody: Readonly<Record<string, TestKey>> = { ...keys, ...people }
const sources = [{ name: 'fuzz.sigstore.jsonl', outcome: 'found' }] as const

function rolesWorld(): WrittenWorld {
  const items = [
    built,
    reviewed(),
    pushedBy('erin'),
    testedAs('PASSED'),
    scannedOn('2026-05-31T00:00:00Z', [
      { id: 'CVE-2026-1', severity: 'high', purl: 'pkg:npm/left-pad@1.3.0' },
    ]),
    vex('CVE-2026-1', 'not_affected'),
    listed([leftPad]),
    summary(),
    rebuilt(),
    signed(approval(), keys.alice),
  ]
  const require = [
    builtRule,
    'signed: {by: [release-builder]}',
    'hermetic: {by: [release-builder], root: pinned, networkAttempts: none}',
    "recent: {by: [release-builder], commit: 90d, build: 90d, version: '>=1.0.0'}",
    'allowed: {by: [release-managers], environment: production}',
    'reviewed: {by: [reviewers, git-server]}',
    'tested: {by: [ci], suites: [unit]}',
    'scanned: {by: [scanner], within: 7d, deny: {severity: high, unless: vex, vexBy: [security]}}',
    'sbom: {by: [lister], licenses: {deny: [AGPL-3.0-only]}}',
    `verified: {by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2]}`,
    'reproduced: {by: [release-builder, rebuilder]}',
  ]
  return {
    says: "a policy with eleven rules, whose signers' keys everybody has",
    now: now.toISOString(),
    request,
    trust: renamed(Buffer.from(trustBytes(world)).toString()),
    roots: {},
    policies: [{ file: 'policies/production.yaml', text: policyText(require) }],
    items: items.map(({ bytes }) => resigned(bytes)),
    sources,
  }
}

/** The same trust file with the keys that everybody has. */
function renamed(trust: string): string {
  return Object.entries(everybody).reduce(
    (text, [name, key]) =>
      text.replaceAll(JSON.stringify(key.publicPem), JSON.stringify(keyOf(name).publicPem)),
    trust,
  )
}

function resigned(bytes: Uint8Array): string {
  const { content, verificationMaterial } = parseBundle(bytes)
  if (content.kind !== 'dsseEnvelope' || verificationMaterial.kind !== 'publicKey')
    throw new TypeError('not one of the keyed bundles')
  const { hint } = verificationMaterial
  const [name = ''] = Object.entries(everybody).find(([, { keyid }]) => keyid === hint) ?? []
  const statement = JSON.parse(Buffer.from(content.envelope.payload).toString()) as Statement
  return Buffer.from(bundleBytes(statement, keyOf(name))).toString()
}

function keylessWorld(): WrittenWorld {
  const instance = createInstance()
  const root = bytesOf(rootJson(instance)).toString()
  const statement: JsonObject = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'shop.tgz', digest: { sha256: artifactDigest } }],
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: {
        buildType: 'https://ci.test/v1',
        externalParameters: {},
        resolvedDependencies: [
          { uri: 'git+https://git.test/acme/shop', digest: { gitCommit: 'a'.repeat(40) } },
        ],
      },
      runDetails: { builder: { id: subject } },
    },
  }
  const payload = bytesOf(statement)
  const other = bytesOf({ ...statement, subject: [{ name: 'other.tgz', digest: { sha256 } }] })
  const certificate = certificateOf(instance)
  const timed = { logs: [{ log: instance.v2 }], timestamps: [{ options: { embed: true } }] }
  const bundles = [
    signBundle(instance, { payload }),
    signBundle(instance, { payload, certificate, ...timed }),
    signBundle(instance, { payload, logs: [{ log: instance.v1, kind: 'intoto' }] }),
    signBundle(instance, { payload: other, certificate }),
  ]
  const release: JsonObject = {
    identities: [{ root: 'private', issuer, subject }],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ idPrefix: 'https://git.test/acme/shop/.github/workflows/release.yml@', level: 2 }],
  }
  const trust = {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'default', owner: 'platform-security' },
    sigstore: { private: { trustedRoot: 'trusted_root.json' } },
    signers: { release },
  }
  const require = [
    'signed: {by: [release]}',
    'built: {by: [release], level: 2, from: git+https://git.test/acme/shop, refs: [refs/heads/main], buildType: https://ci.test/v1}',
  ]
  return {
    says: 'provenance in bundles of a Sigstore instance of our own',
    now: now.toISOString(),
    request: { ...request, artifact: { name: 'shop.tgz', digest: { sha256: artifactDigest } } },
    trust: JSON.stringify(trust),
    roots: { 'trusted_root.json': root },
    policies: [{ file: 'policies/production.yaml', text: policyText(require) }],
    items: bundles.map((bundle) => JSON.stringify(bundle)),
    sources,
  }
}

for (const [file, made] of Object.entries({
  'roles.json': rolesWorld(),
  'keyless.json': keylessWorld(),
})) {
  writeFileSync(new URL(`worlds/${file}`, import.meta.url), `${JSON.stringify(made, null, 2)}\n`)
}
