import { allow, deny, type Case } from '../case.ts'
import { keys, request, sha256 } from '../fixtures.ts'
import { built, leftPad, listed, osvResults, people, scannedOn, vex, world } from '../world.ts'

const scan = 'scanned: {by: [scanner], within: 7d, deny: {severity: high}}'
const unless =
  'scanned: {by: [scanner], within: 7d, deny: {severity: high, unless: vex, vexBy: [security]}}'
const fresh = '2026-05-31T00:00:00Z'
const critical = { id: 'CVE-2026-1', severity: 'critical', purl: 'pkg:npm/left-pad@1.3.0' }

interface Story {
  readonly rule: string
  readonly items: Case['items']
  readonly policy?: string
}

function yes(name: string, says: string, { rule, items }: Story, validUntil?: string): Case {
  const story = { require: [rule], items: [built, ...items], signers: world }
  return allow(`allow-${name}`, says, story, validUntil)
}

function no(
  name: string,
  says: string,
  { rule, items }: Story,
  codes: readonly string[],
  verdict = 'FAIL',
): Case {
  const id = `require[0].${rule.slice(0, rule.indexOf(':'))}`
  return deny(
    `deny-${name}`,
    says,
    { require: [rule], items: [built, ...items], signers: world },
    codes,
    { [id]: verdict },
  )
}

const scans: readonly Case[] = [
  yes(
    'scanned',
    'a recent scan that found nothing holds until it is too old',
    { rule: scan, items: [scannedOn(fresh)] },
    '2026-06-07T00:00:00.000Z',
  ),
  yes(
    'scanned-below-limit',
    'what is less bad than the limit passes',
    { rule: scan, items: [scannedOn(fresh, [{ id: 'CVE-1', severity: 'medium' }])] },
    '2026-06-07T00:00:00.000Z',
  ),
  yes(
    'scanned-newest-wins',
    'an older scan that found something contradicts nobody: the newest knows more',
    { rule: scan, items: [scannedOn('2026-05-30T00:00:00Z', [critical]), scannedOn(fresh)] },
    '2026-06-07T00:00:00.000Z',
  ),
  yes(
    'scanned-vex',
    'what does not affect the artifact passes where the policy says so',
    { rule: unless, items: [scannedOn(fresh, [critical]), vex('CVE-2026-1', 'not_affected')] },
    '2026-06-07T00:00:00.000Z',
  ),
  allow(
    'allow-scanned-vex-by-name',
    'VEX may name the artifact as its builder does',
    {
      require: ['signed: {by: [release-builder]}', unless],
      items: [
        built,
        scannedOn(fresh, [critical]),
        vex('CVE-2026-1', 'not_affected', people.security, sha256, 'pkg:npm/shop@1.2.3'),
      ],
      signers: world,
    },
    '2026-06-07T00:00:00.000Z',
  ),
  deny(
    'deny-scanned-vex-by-name-of-requester',
    'what the requester calls the artifact is no name that VEX could be about',
    {
      require: [unless],
      items: [
        built,
        scannedOn(fresh, [critical]),
        vex('CVE-2026-1', 'not_affected', people.security, sha256, 'pkg:npm/evil@1.0.0'),
      ],
      request: { ...request, artifact: { ...request.artifact, name: 'pkg:npm/evil@1.0.0' } },
      signers: world,
    },
    ['SCAN_FINDINGS'],
  ),
  yes(
    'scanned-database',
    'a database that was recent at the scan, to the millisecond',
    {
      rule: 'scanned: {by: [scanner], within: 7d, database: 2d, deny: {severity: high}}',
      items: [scannedOn(fresh, [], { database: '2026-05-29T00:00:00Z' })],
    },
    '2026-06-07T00:00:00.000Z',
  ),
  no(
    'scanned-without-time',
    'a scan of which nobody says when it was',
    { rule: scan, items: [osvResults()] },
    ['FACT_MISSING'],
    'MISSING',
  ),
  yes(
    'scanned-beside-one-without-time',
    'a scan without time is not the newest',
    { rule: scan, items: [osvResults(), scannedOn(fresh)] },
    '2026-06-07T00:00:00.000Z',
  ),
  no(
    'scanned-bad-without-time',
    'what a scan without time has found may be there still',
    { rule: scan, items: [osvResults('GHSA-1'), scannedOn(fresh)] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-missing',
    'nobody has scanned',
    { rule: scan, items: [] },
    ['SCAN_MISSING'],
    'MISSING',
  ),
  no(
    'scanned-critical',
    'a recent scan with a critical finding denies (POL-12)',
    { rule: scan, items: [scannedOn(fresh, [critical])] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-newest-is-bad',
    'an older scan that found nothing does not help',
    { rule: scan, items: [scannedOn('2026-05-30T00:00:00Z'), scannedOn(fresh, [critical])] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-same-time',
    'of two scans at once the worse one counts',
    { rule: scan, items: [scannedOn(fresh), scannedOn(fresh, [critical])] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-unknown-severity',
    'a finding of which nobody says how bad it is counts',
    { rule: scan, items: [scannedOn(fresh, [{ id: 'CVE-1', severity: 'weird' }])] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-old',
    'the newest scan is too old (POL-11)',
    { rule: scan, items: [scannedOn('2026-05-20T00:00:00Z')] },
    ['SCAN_TOO_OLD'],
    'STALE',
  ),
  no(
    'scanned-old-to-the-millisecond',
    'the last moment does not count',
    { rule: scan, items: [scannedOn('2026-05-25T12:00:00Z')] },
    ['SCAN_TOO_OLD'],
    'STALE',
  ),
  no(
    'scanned-old-and-bad',
    'what an old scan found is still there',
    { rule: scan, items: [scannedOn('2026-05-20T00:00:00Z', [critical])] },
    ['SCAN_FINDINGS', 'SCAN_TOO_OLD'],
  ),
  no(
    'scanned-in-future',
    'a scan of tomorrow would be the newest for ever',
    { rule: scan, items: [scannedOn(fresh, [critical]), scannedOn('2030-01-01T00:00:00Z')] },
    ['TIME_IN_FUTURE'],
  ),
  no(
    'scanned-database',
    'an old database finds old vulnerabilities only',
    {
      rule: 'scanned: {by: [scanner], within: 7d, database: 2d, deny: {severity: high}}',
      items: [scannedOn(fresh, [], { database: '2026-05-01T00:00:00Z' })],
    },
    ['SCAN_DATABASE_TOO_OLD'],
    'STALE',
  ),
  no(
    'scanned-database-unknown',
    'a database of unknown age is not a recent one',
    {
      rule: 'scanned: {by: [scanner], within: 7d, database: 2d, deny: {severity: high}}',
      items: [scannedOn(fresh)],
    },
    ['SCAN_DATABASE_TOO_OLD'],
    'STALE',
  ),
  no(
    'scanned-other-artifact',
    'a scan of other bytes',
    { rule: scan, items: [scannedOn(fresh, [], { sha256: 'ab'.repeat(32) })] },
    ['EVIDENCE_OTHER_ARTIFACT'],
  ),
  no(
    'scanned-vex-not-asked',
    'VEX counts only where the policy says so',
    { rule: scan, items: [scannedOn(fresh, [critical]), vex('CVE-2026-1', 'not_affected')] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-vex-affected',
    'VEX that says affected does not help',
    {
      rule: unless,
      items: [scannedOn(fresh, [critical]), vex('CVE-2026-1', 'under_investigation')],
    },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-vex-other-vulnerability',
    'VEX about another vulnerability',
    { rule: unless, items: [scannedOn(fresh, [critical]), vex('CVE-2026-2', 'not_affected')] },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-vex-other-artifact',
    'VEX about another artifact',
    {
      rule: unless,
      items: [
        scannedOn(fresh, [critical]),
        vex('CVE-2026-1', 'not_affected', people.security, 'ab'.repeat(32)),
      ],
    },
    ['SCAN_FINDINGS'],
  ),
  no(
    'scanned-vex-by-stranger',
    'VEX by somebody who may not say so',
    {
      rule: unless,
      items: [scannedOn(fresh, [critical]), vex('CVE-2026-1', 'fixed', keys.stranger)],
    },
    ['SCAN_FINDINGS'],
  ),
]

const bom = 'sbom: {by: [lister]}'
const licenses = 'sbom: {by: [lister], licenses: {deny: [AGPL-3.0-only]}}'
const agpl = { ...leftPad, licenses: [{ license: { id: 'AGPL-3.0-or-later' } }] }
const choice = { ...leftPad, licenses: [{ expression: 'AGPL-3.0-only OR MIT' }] }
const silent = { name: 'left-pad', version: '1.3.0' }

const sboms: readonly Case[] = [
  yes('sbom', 'somebody has written down what is inside', {
    rule: bom,
    items: [listed([leftPad])],
  }),
  yes('sbom-license-choice', 'of a choice one licence is enough', {
    rule: licenses,
    items: [listed([choice])],
  }),
  yes('sbom-license-allowed', 'a licence on the list of the allowed', {
    rule: 'sbom: {by: [lister], licenses: {allow: [MIT, Apache-2.0]}}',
    items: [listed([leftPad])],
  }),
  yes('sbom-license-unknown', 'unknown licences pass where the policy says so', {
    rule: 'sbom: {by: [lister], licenses: {deny: [AGPL-3.0-only], unknown: allow}}',
    items: [listed([silent])],
  }),
  no(
    'sbom-missing',
    'nobody knows what is inside',
    { rule: bom, items: [] },
    ['SBOM_MISSING'],
    'MISSING',
  ),
  no('sbom-empty', 'a list of nothing is no list', { rule: bom, items: [listed([])] }, [
    'SBOM_EMPTY',
  ]),
  no(
    'sbom-other-artifact',
    'a document that describes something else',
    {
      rule: bom,
      items: [
        listed([leftPad], {
          metadata: {
            component: {
              type: 'file',
              name: 'other.tgz',
              hashes: [{ alg: 'SHA-256', content: 'ab'.repeat(32) }],
            },
          },
        }),
      ],
    },
    ['SBOM_OTHER'],
  ),
  no(
    'sbom-license',
    'a denied licence, in another spelling',
    { rule: licenses, items: [listed([agpl])] },
    ['SBOM_LICENSE'],
  ),
  no(
    'sbom-license-missing',
    'a component of whose licence nobody says anything',
    { rule: licenses, items: [listed([silent])] },
    ['SBOM_LICENSE'],
  ),
  no(
    'sbom-license-not-allowed',
    'a licence that is not on the list of the allowed',
    { rule: 'sbom: {by: [lister], licenses: {allow: [Apache-2.0]}}', items: [listed([leftPad])] },
    ['SBOM_LICENSE'],
  ),
  no(
    'sbom-package',
    'a denied package',
    {
      rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad']}}",
      items: [listed([leftPad])],
    },
    ['SBOM_PACKAGE'],
  ),
  no(
    'sbom-package-by-name',
    'a component without package URL is known by its name',
    {
      rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad']}}",
      items: [listed([silent])],
    },
    ['SBOM_PACKAGE'],
  ),
  no(
    'sbom-package-by-name-and-version',
    'a component without package URL is known by its name and version',
    {
      rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad@1.3.0']}}",
      items: [listed([silent])],
    },
    ['SBOM_PACKAGE'],
  ),
  no(
    'sbom-package-of-unknown-version',
    'a component of unknown version may be the denied one',
    {
      rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad@1.3.0']}}",
      items: [listed([{ name: 'left-pad' }])],
    },
    ['SBOM_PACKAGE'],
  ),
  yes('sbom-other-version-by-name', 'another version of a denied name', {
    rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad@1.2.0']}}",
    items: [listed([silent, { name: 'left', version: '1.2.0' }])],
  }),
  yes('sbom-other-package-version', 'another version of a denied one', {
    rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad@1.2.0']}}",
    items: [listed([leftPad])],
  }),
  no(
    'sbom-disagreeing',
    'two lists of which one has a denied package',
    {
      rule: "sbom: {by: [lister], packages: {deny: ['pkg:npm/left-pad']}}",
      items: [listed([leftPad]), listed([{ name: 'zod', purl: 'pkg:npm/zod@4.0.0' }])],
    },
    ['EVIDENCE_AMBIGUOUS'],
  ),
]

export const findings: readonly Case[] = [...scans, ...sboms]
