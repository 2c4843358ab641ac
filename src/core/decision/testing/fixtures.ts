import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { approvalStatement, predicateTypes, type Statement } from '#attestation'
import { sha256Hex, type JsonObject } from '#document'
import { parsePolicies, type DeploymentRequest, type PolicySet } from '#policy'
import { parseTrust, type Trust } from '#trust'
import {
  bundleBytes,
  keyEntry,
  makeKey,
  trustBytes,
  type TestKey,
} from '../../trust/testing/fixtures.ts'
import {
  decide,
  DecisionMemory,
  encodeDecision,
  type Decision,
  type DecisionInput,
  type Evidence,
  type EvidenceItem,
  type EvidenceSource,
} from '../index.ts'

/** The world of the tests: one shop, its builders, its people, and one stranger. */
export const now = new Date('2026-06-01T12:00:00Z')
export const sha256 = sha256Hex('shop 1.2.3')
export const repository = 'git+https://git.example/acme/shop'
export const commit = '0123456789abcdef0123456789abcdef01234567'
export const recipeType = 'https://sallyport.dev/buildtypes/recipe/v1'

export const builderIds = {
  pinned: 'https://sallyport.dev/builders/workstation-pinned/v1',
  hosted: 'https://sallyport.dev/builders/hosted/v1',
} as const

/** Keys are made once for a process: nothing depends on which they are. */
export const keys = {
  builder: makeKey(),
  hosted: makeKey('ed25519'),
  alice: makeKey(),
  bob: makeKey('ed25519'),
  token: makeKey(),
  stranger: makeKey(),
} as const satisfies Record<string, TestKey>

const provenanceTypes = [predicateTypes.slsaProvenanceV1]

export const trustEntries: JsonObject = {
  'release-builder': {
    owner: 'platform',
    keys: [keyEntry(keys.builder)],
    predicateTypes: provenanceTypes,
    builders: [{ id: builderIds.pinned, level: 1 }],
  },
  'hosted-builder': {
    keys: [keyEntry(keys.hosted)],
    predicateTypes: provenanceTypes,
    builders: [{ id: builderIds.hosted, level: 3 }],
  },
  'release-managers': {
    keys: [keyEntry(keys.alice, { owner: 'alice' }), keyEntry(keys.bob, { owner: 'bob' })],
    predicateTypes: [predicateTypes.approval],
  },
  kb: { keys: [keyEntry(keys.token)], predicateTypes: [predicateTypes.jwtProvenance] },
}

export const trust = trustOf(trustEntries)

export function trustOf(signers: JsonObject): Trust {
  return parseTrust(trustBytes(signers), { file: 'trust.yaml' })
}

/** A policy for the shop in production, from the lines of its `require`; more lines may follow. */
export function policyText(require: readonly string[], more = ''): string {
  return [
    'apiVersion: sallyport.dev/v1',
    'kind: DeploymentPolicy',
    'metadata: {name: shop-production, owner: team-shop}',
    'targets: [{environment: production, service: shop}]',
    'require:',
    ...require.map((rule) => `  - ${rule}`),
    more,
  ].join('\n')
}

export function policiesOf(...texts: readonly string[]): PolicySet {
  return parsePolicies(
    texts.map((text, index) => ({
      file: index === 0 ? 'policies/production.yaml' : `policies/${index}.yaml`,
      bytes: Buffer.from(text),
    })),
  )
}

export const builtRule = `built: {by: [release-builder], from: ${repository}, refs: [refs/heads/main], parameters: {target: [release]}}`

export const request: DeploymentRequest = {
  artifact: { name: 'shop-1.2.3.tgz', digest: { sha256 } },
  target: { environment: 'production', service: 'shop' },
  chokePoint: 'test',
}

/** What may differ from good provenance. */
export interface ProvenanceParts {
  readonly sha256?: string
  readonly builderId?: string
  readonly buildType?: string
  readonly uri?: string
  readonly ref?: string | null
  readonly committedAt?: string | null
  readonly finishedOn?: string
  readonly version?: string | null
  readonly name?: string
  readonly purl?: string | null
  readonly parameters?: JsonObject
  readonly external?: JsonObject
  readonly internal?: JsonObject
  readonly dependencies?: readonly JsonObject[]
}

export const isolation: JsonObject = {
  sallyport_sandbox: { backend: 'bubblewrap', root: 'pinned', network: 'none' },
  sallyport_network: { mode: 'recorded', attempts: 0 },
  sallyport_probes: { passed: 24, failed: 0 },
}

const good = {
  sha256,
  builderId: builderIds.pinned,
  buildType: recipeType,
  uri: repository,
  ref: 'refs/heads/main',
  committedAt: '2026-05-20T00:00:00Z',
  finishedOn: '2026-05-21T00:01:00Z',
  version: '1.2.3',
  name: 'shop-1.2.3.tgz',
  purl: 'pkg:npm/shop@1.2.3',
  parameters: { target: 'release' },
  external: {},
  internal: isolation,
  dependencies: [],
}

/** Provenance as our builder writes it: everything a policy asks for is right unless a part says otherwise. */
export function provenance(different: ProvenanceParts = {}): Statement {
  const parts: Required<ProvenanceParts> = { ...good, ...different }
  const { uri, ref, committedAt, version, purl, name } = parts
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [
      {
        name,
        digest: { sha256: parts.sha256 },
        ...(purl === null ? {} : { uri: purl }),
        ...(version === null ? {} : { annotations: { version } }),
      },
    ],
    predicateType: predicateTypes.slsaProvenanceV1,
    predicate: {
      buildDefinition: {
        buildType: parts.buildType,
        externalParameters: {
          source: { uri, ...(ref === null ? {} : { ref }) },
          recipe: { path: 'sallyport.build.json' },
          parameters: parts.parameters,
          ...parts.external,
        },
        internalParameters: parts.internal,
        resolvedDependencies: [
          {
            name: 'source',
            uri,
            digest: { gitCommit: commit },
            ...(committedAt === null ? {} : { annotations: { committedAt } }),
          },
          { uri: 'pkg:npm/zod@4.6.7', digest: { sha256: 'cd'.repeat(32) } },
          ...parts.dependencies,
        ],
      },
      runDetails: {
        builder: { id: parts.builderId },
        metadata: {
          invocationId: 'build-1',
          startedOn: '2026-05-21T00:00:00Z',
          finishedOn: parts.finishedOn,
        },
      },
    },
  }
}

export function approval(
  environment = 'production',
  more: { expires?: string; approvedOn?: string; sha256?: string } = {},
): Statement {
  const { approvedOn = '2026-05-30T00:00:00Z', expires } = more
  return approvalStatement(
    [{ name: 'shop-1.2.3.tgz', digest: { sha256: more.sha256 ?? sha256 } }],
    {
      environment,
      reason: 'release 1.2.3',
      approvedOn,
      ...(expires === undefined ? {} : { expires }),
    },
  )
}

export function item(bytes: Uint8Array, source = 'shop-1.2.3.tgz.sigstore.jsonl'): EvidenceItem {
  return { digest: sha256Hex(bytes), source, bytes }
}

export function signed(statement: Statement, key: TestKey = keys.builder): EvidenceItem {
  return item(bundleBytes(statement, key))
}

export const beside: EvidenceSource = { name: 'shop-1.2.3.tgz.sigstore.jsonl', outcome: 'found' }

export function evidenceOf(...items: readonly EvidenceItem[]): Evidence {
  const outcome = items.length === 0 ? 'absent' : 'found'
  return { items, sources: [{ ...beside, outcome }] }
}

/** Decides under a policy that requires the given rules, about the given evidence. */
export function decideOn(
  require: readonly string[],
  items: readonly EvidenceItem[],
  more: Partial<DecisionInput> & { readonly policy?: string } = {},
): Decision {
  const { policy = '', ...own } = more
  const input = {
    request,
    evidence: evidenceOf(...items),
    policies: policiesOf(policyText(require, policy)),
    trust,
    now,
    ...own,
  }
  const decision = decide(input)
  if (decision.verdict === 'ALLOW') assertRemembered(input, decision)
  return decision
}

const day = 86_400_000
const later = [1, day, 30 * day, 365 * day, 36_500 * day]

/** Whatever rule was asked: at no time does a memory say what would not be decided then. */
function assertRemembered(input: DecisionInput, { request, validUntil }: Decision): void {
  const end = validUntil === undefined ? [] : [Date.parse(validUntil)]
  const times = [
    ...end,
    ...end.map((time) => time - 1),
    ...later.map((ms) => ms + Number(input.now)),
  ]
  const memory = new DecisionMemory(input)
  decide({ ...input, memory })
  for (const time of times.filter((one) => one >= Number(input.now))) {
    const kept = memory.recall(request, input.evidence, time)
    if (kept === undefined) continue
    const at = new Date(time)
    const again = encodeDecision(decide({ ...input, now: at }))
    assert.deepEqual(encodeDecision({ ...kept, time: at.toISOString() }), again, at.toISOString())
  }
}

export function codesOf({ reasons }: Decision): readonly string[] {
  return reasons.map(({ code }) => code)
}

/** The version of the package, for the test that the engine says the same. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
