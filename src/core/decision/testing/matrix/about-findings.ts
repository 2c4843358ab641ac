import { aStatement, keyEntry } from '../../../trust/testing/fixtures.ts'
import type { JsonObject } from '#document'
import { approval, keys, sha256, signed } from '../fixtures.ts'
import {
  built,
  leftPad,
  listed,
  people,
  osvResults,
  pushedBy,
  result,
  reviewed,
  scannedOn,
  sourceSummary,
  summary,
  testedAs,
  types,
  verifierId,
  vex,
  world,
} from '../world.ts'
import { anyForm, noAge, oneForm, type Row } from './row.ts'

const scan = 'by: [scanner], within: 7d, deny: {severity: high'
const bad = [{ id: 'CVE-2026-1', severity: 'critical', purl: 'pkg:npm/left-pad@1.3.0' }]

function cosignVuln(severity?: string, finished = '2026-05-31T00:00:00Z') {
  const result: JsonObject = {
    SchemaVersion: 2,
    Results: [
      {
        Target: 'shop',
        Vulnerabilities:
          severity === undefined
            ? []
            : [{ VulnerabilityID: 'CVE-2026-1', Severity: severity, PkgName: 'left-pad' }],
      },
    ],
  }
  const predicate = {
    invocation: { parameters: null, uri: '', event_id: '', 'builder.id': '' },
    scanner: {
      uri: 'pkg:github/aquasecurity/trivy@0.60.0',
      version: '0.60.0',
      db: { uri: '', version: '' },
      result,
    },
    metadata: { scanStartedOn: finished, scanFinishedOn: finished },
  }
  return signed(aStatement(types.cosignVuln, predicate, sha256), people.scanner)
}

function spdx(license: string) {
  const predicate = {
    spdxVersion: 'SPDX-2.3',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: 'shop',
    dataLicense: 'CC0-1.0',
    documentNamespace: 'https://shop.example/1',
    creationInfo: { created: '2026-05-30T00:00:00Z', creators: ['Tool: test'] },
    packages: [
      {
        SPDXID: 'SPDXRef-left-pad',
        name: 'left-pad',
        versionInfo: '1.3.0',
        downloadLocation: 'NOASSERTION',
        licenseConcluded: license,
        licenseDeclared: license,
      },
    ],
  }
  return signed(aStatement(types.spdx, predicate, sha256), people.lister)
}

const gpl = { ...leftPad, licenses: [{ license: { id: 'GPL-3.0-only' } }] }
const deny = 'by: [lister], licenses: {deny: [GPL-3.0-only]}'
const audit = 'https://audit.example/v1'
const auditor = {
  auditor: { keys: [keyEntry(people.carol)], predicateTypes: [audit] },
}
const audited = (grade: string, count = 1) => [
  signed(aStatement(audit, { grade, list: Array<number>(count).fill(1) }, sha256), people.carol),
]
const approvedUntil = (expires: string) => [signed(approval('production', { expires }), keys.alice)]
const reviewStale = 'a review does not grow old: what it is about is the commit, and that stays'

export const aboutFindings: readonly Row[] = [
  {
    rule: 'scanned',
    kind: 'vulnerability scan',
    of: 'in-toto',
    ask: `${scan}}`,
    pass: [scannedOn('2026-05-31T00:00:00Z')],
    fail: [scannedOn('2026-05-31T00:00:00Z', bad)],
    stale: [scannedOn('2026-05-01T00:00:00Z')],
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'scanned',
    kind: 'vulnerability scan',
    of: 'cosign',
    ask: `${scan}}`,
    pass: [cosignVuln()],
    fail: [cosignVuln('CRITICAL')],
    stale: [cosignVuln(undefined, '2026-05-01T00:00:00Z')],
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'scanned',
    kind: 'vulnerability scan',
    of: 'OSV beside another',
    ask: `${scan}}`,
    lead: [],
    pass: [osvResults(), scannedOn('2026-05-31T00:00:00Z')],
    fail: [osvResults('CVE-2026-1'), scannedOn('2026-05-31T00:00:00Z')],
    stale: [osvResults(), scannedOn('2026-05-01T00:00:00Z')],
    unsupported: 'a result without time is silent about its age, and silence is missing',
    signers: world,
  },
  {
    rule: 'scanned',
    kind: 'VEX document',
    ask: `${scan}, unless: vex, vexBy: [security]}`,
    pass: [scannedOn('2026-05-31T00:00:00Z', bad), vex('CVE-2026-1', 'not_affected')],
    fail: [scannedOn('2026-05-31T00:00:00Z', bad), vex('CVE-2026-1', 'affected')],
    stale: [scannedOn('2026-05-01T00:00:00Z', bad), vex('CVE-2026-1', 'not_affected')],
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'sbom',
    kind: 'SBOM',
    of: 'CycloneDX',
    ask: deny,
    pass: [listed([leftPad])],
    fail: [listed([gpl])],
    stale: noAge,
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'sbom',
    kind: 'SBOM',
    of: 'SPDX',
    ask: deny,
    pass: [spdx('MIT')],
    fail: [spdx('GPL-3.0-only')],
    stale: noAge,
    unsupported: anyForm,
    signers: world,
  },
  {
    rule: 'tested',
    kind: 'test result',
    of: 'of the commit',
    ask: 'by: [ci], suites: [unit], builtBy: [release-builder]',
    lead: [built],
    pass: [testedAs('PASSED')],
    fail: [testedAs('FAILED')],
    stale: 'a result has no time',
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'tested',
    kind: 'test result',
    of: 'of the artifact',
    ask: 'by: [ci], suites: [unit], of: artifact',
    pass: [testedAs('PASSED', {}, 'artifact')],
    fail: [testedAs('FAILED', {}, 'artifact')],
    stale: 'a result has no time',
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'reviewed',
    kind: 'review',
    ask: 'by: [reviewers, git-server], builtBy: [release-builder]',
    lead: [built],
    pass: [reviewed(), reviewed(people.dave)],
    fail: [reviewed(people.carol, { verdict: 'rejected' })],
    stale: reviewStale,
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'reviewed',
    kind: 'source provenance',
    ask: 'by: [reviewers, git-server], builtBy: [release-builder]',
    lead: [built],
    pass: [reviewed(), pushedBy('erin')],
    fail: 'it names the author alone: a review that is the author’s own is missing, not bad',
    stale: reviewStale,
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'reviewed',
    kind: 'verification summary',
    ask: 'by: [git-server], builtBy: [release-builder]',
    lead: [built],
    pass: [sourceSummary({}, ['refs/heads/main'])],
    fail: [sourceSummary({ verificationResult: 'FAILED' }, ['refs/heads/main'])],
    stale: reviewStale,
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'allowed',
    kind: 'approval',
    ask: 'by: [release-managers]',
    pass: approvedUntil('2026-07-01T00:00:00Z'),
    fail: [signed(approval('production', { approvedOn: '2030-01-01T00:00:00Z' }), keys.alice)],
    stale: approvedUntil('2026-05-31T00:00:00Z'),
    unsupported: oneForm,
  },
  {
    rule: 'verified',
    kind: 'verification summary',
    ask: `by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2], within: 7d`,
    pass: [summary()],
    fail: [summary({ verificationResult: 'FAILED' })],
    stale: [summary({ timeVerified: '2026-05-01T00:00:00Z' })],
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'verified',
    kind: 'verification result',
    ask: `by: [verifier], form: svr, verifier: '${verifierId}', levels: [ORG_CHECKED], within: 7d`,
    pass: [result()],
    fail: [result({ properties: ['OTHER'] })],
    stale: [result({ timeCreated: '2026-05-01T00:00:00Z' })],
    unsupported: oneForm,
    signers: world,
  },
  {
    rule: 'custom',
    kind: `statement of type ${audit}`,
    ask: `by: [auditor], type: '${audit}', expression: 'predicate.grade == "A" && predicate.list.all(a, predicate.list.all(b, a == b))', expects: a good grade, fix: Audit it again`,
    pass: audited('A'),
    fail: audited('B'),
    stale: noAge,
    unsupported: audited('A', 5000),
    signers: auditor,
  },
]
