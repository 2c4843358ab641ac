import {
  predicateTypes,
  reviewStatement,
  svrStatement,
  vsaStatement,
  type NewVsa,
  type Review,
  type Statement,
  type Svr,
} from '#attestation'
import type { JsonObject } from '#document'
import { aStatement, keyEntry, makeKey } from '../../trust/testing/fixtures.ts'
import {
  builderIds,
  commit,
  keys,
  provenance,
  repository,
  sha256,
  signed,
  trustEntries,
} from './fixtures.ts'
import type { EvidenceItem } from '../index.ts'

/** More people of the world of the tests: who reviews, tests, scans, lists, verifies and rebuilds. */
export const people = {
  carol: makeKey(),
  dave: makeKey('ed25519'),
  scs: makeKey(),
  tester: makeKey(),
  scanner: makeKey(),
  security: makeKey(),
  lister: makeKey(),
  verifier: makeKey(),
  rebuilder: makeKey(),
  erin: makeKey(),
  frank: makeKey(),
} as const

export const types = {
  testResult: 'https://in-toto.io/attestation/test-result/v0.1',
  vulns: 'https://in-toto.io/attestation/vulns/v0.2',
  cosignVuln: 'https://cosign.sigstore.dev/attestation/vuln/v1',
  osv: 'https://ossf.github.io/osv-schema/results@v1',
  openvex: 'https://openvex.dev/ns/v0.2.0',
  spdx: 'https://spdx.dev/Document/v2.3',
  cyclonedx: 'https://cyclonedx.org/bom',
  sourceProvenance: 'https://github.com/slsa-framework/source-tool/source-provenance/v1',
} as const

export const verifierId = 'https://verifier.example/v1'
export const scsId = 'https://git.example/scs'
export const rebuilderId = 'https://rebuild.example/builder/v1'

/** The usual trust file, and these people in it. */
export const world: JsonObject = {
  ...trustEntries,
  reviewers: {
    keys: [keyEntry(people.carol, { owner: 'carol' }), keyEntry(people.dave, { owner: 'dave' })],
    predicateTypes: [predicateTypes.review],
  },
  'git-server': {
    keys: [keyEntry(people.scs)],
    predicateTypes: [predicateTypes.vsa, types.sourceProvenance],
    verifiers: [scsId],
  },
  ci: { keys: [keyEntry(people.tester)], predicateTypes: [types.testResult] },
  scanner: {
    keys: [keyEntry(people.scanner)],
    predicateTypes: [types.vulns, types.cosignVuln, types.osv],
  },
  security: { keys: [keyEntry(people.security)], predicateTypes: [types.openvex] },
  lister: { keys: [keyEntry(people.lister)], predicateTypes: [types.spdx, types.cyclonedx] },
  verifier: {
    keys: [keyEntry(people.verifier)],
    predicateTypes: [predicateTypes.vsa, predicateTypes.svr],
    verifiers: [verifierId],
  },
  rebuilder: {
    keys: [keyEntry(people.rebuilder)],
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: rebuilderId, level: 2 }],
  },
}

export const built = signed(provenance())
const source = [{ name: 'commit', digest: { gitCommit: commit } }]
const artifact = [{ name: 'shop-1.2.3.tgz', digest: { sha256 } }]

export function reviewed(
  by = people.carol,
  more: Partial<Review> & { commit?: string } = {},
): EvidenceItem {
  const { commit: other = commit, ...review } = more
  const statement = reviewStatement([{ digest: { gitCommit: other } }], {
    repository,
    ref: 'refs/heads/main',
    tree: 'cd'.repeat(20),
    reviewer: by === people.dave ? 'dave' : 'carol',
    verdict: 'approved',
    reviewedOn: '2026-05-19T00:00:00Z',
    ...review,
  })
  return signed(statement, by)
}

/** Who wrote the commit, as the source platform has seen. */
export function pushedBy(actor: string): EvidenceItem {
  const predicate = {
    repo_uri: 'https://git.example/acme/shop',
    branch: 'refs/heads/main',
    actor,
    created_on: '2026-05-20T00:00:00Z',
    controls: [],
  }
  const statement: Statement = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: source,
    predicateType: types.sourceProvenance,
    predicate,
  }
  return signed(statement, people.scs)
}

const goodVsa: NewVsa = {
  verifierId,
  verifierVersion: {},
  timeVerified: '2026-05-30T00:00:00Z',
  resourceUri: 'pkg:npm/shop@1.2.3',
  policy: { uri: 'https://verifier.example/policy', digest: { sha256: 'ef'.repeat(32) } },
  inputAttestations: [],
  verificationResult: 'PASSED',
  verifiedLevels: ['SLSA_BUILD_LEVEL_3'],
  slsaVersion: '1.2',
}

export function summary(
  more: Partial<NewVsa> = {},
  key = people.verifier,
  subject: Statement['subject'] = artifact,
): EvidenceItem {
  return signed(vsaStatement(subject, { ...goodVsa, ...more }), key)
}

export function sourceSummary(more: Partial<NewVsa> = {}, refs?: readonly string[]): EvidenceItem {
  const subject = [
    {
      digest: { gitCommit: commit },
      ...(refs === undefined ? {} : { annotations: { sourceRefs: refs } }),
    },
  ]
  const levels = {
    verifierId: scsId,
    resourceUri: repository,
    verifiedLevels: ['SLSA_SOURCE_LEVEL_4'],
  }
  return summary({ ...levels, ...more }, people.scs, subject)
}

export function result(more: Partial<Omit<Svr, 'version'>> = {}): EvidenceItem {
  const svr = {
    verifierId,
    timeCreated: '2026-05-30T00:00:00Z',
    properties: ['ORG_CHECKED'],
    policies: [],
  }
  return signed(svrStatement(artifact, { ...svr, ...more }), people.verifier)
}

export function testedAs(
  outcome: string,
  more: JsonObject = {},
  of: 'commit' | 'artifact' = 'commit',
  key = people.tester,
): EvidenceItem {
  const predicate = {
    result: outcome,
    configuration: [{ name: 'unit', uri: 'https://ci.example/unit' }],
    ...more,
  }
  const statement = aStatement(types.testResult, predicate, sha256)
  return signed(of === 'artifact' ? statement : { ...statement, subject: source }, key)
}

export interface Found {
  readonly id: string
  readonly severity: string
  readonly purl?: string
}

export function scannedOn(
  finishedOn: string,
  found: readonly Found[] = [],
  more: { database?: string; sha256?: string } = {},
): EvidenceItem {
  const predicate = {
    scanner: {
      uri: 'https://scanner.example',
      ...(more.database === undefined ? {} : { db: { lastUpdate: more.database } }),
      result: found.map(({ id, severity, purl }) => ({
        id,
        severity: [{ method: 'nvd', score: severity }],
        ...(purl === undefined ? {} : { annotations: [{ purl }] }),
      })),
    },
    metadata: { scanStartedOn: finishedOn, scanFinishedOn: finishedOn },
  }
  return signed(aStatement(types.vulns, predicate, more.sha256 ?? sha256), people.scanner)
}

/** Results of OSV's scanner, which do not say when it ran. */
export function osvResults(vulnerability?: string): EvidenceItem {
  const found = {
    package: { name: 'left-pad', version: '1.3.0', ecosystem: 'npm' },
    vulnerabilities: [{ id: vulnerability ?? '', modified: '2026-05-01T00:00:00Z' }],
  }
  const results = vulnerability === undefined ? [] : [{ source: { path: 'x' }, packages: [found] }]
  return signed(aStatement(types.osv, { results }, sha256), people.scanner)
}

export function vex(
  vulnerability: string,
  status: string,
  key = people.security,
  of = sha256,
  product = `pkg:oci/shop@sha256:${of}`,
): EvidenceItem {
  const statement = {
    vulnerability: { name: vulnerability },
    products: [{ '@id': product }],
    status,
    ...(status === 'not_affected' ? { justification: 'vulnerable_code_not_present' } : {}),
  }
  const predicate = {
    '@context': 'https://openvex.dev/ns/v0.2.0',
    '@id': 'https://shop.example/vex/1',
    author: 'security',
    timestamp: '2026-05-29T00:00:00Z',
    version: 1,
    statements: [statement],
  }
  return signed(aStatement(types.openvex, predicate, of), key)
}

export function listed(
  packages: readonly JsonObject[],
  more: JsonObject = {},
  key = people.lister,
): EvidenceItem {
  const predicate = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    components: packages.map((one) => ({ type: 'library', ...one })),
    ...more,
  }
  return signed(aStatement(types.cyclonedx, predicate, sha256), key)
}

export const leftPad: JsonObject = {
  name: 'left-pad',
  version: '1.3.0',
  purl: 'pkg:npm/left-pad@1.3.0',
  licenses: [{ license: { id: 'MIT' } }],
}

/** The same bytes, built by somebody else. */
export function rebuilt(
  more: Parameters<typeof provenance>[0] = {},
  key = people.rebuilder,
): EvidenceItem {
  return signed(provenance({ builderId: rebuilderId, ...more }), key)
}

export { builderIds, keys }
