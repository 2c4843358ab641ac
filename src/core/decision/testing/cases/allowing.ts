import { envelopeBytes } from '../../../trust/testing/fixtures.ts'
import { allow, type Case } from '../case.ts'
import {
  approval,
  builtRule,
  item,
  keys,
  provenance,
  repository,
  request,
  signed,
} from '../fixtures.ts'
import { isolation } from '../fixtures.ts'
import { builderIds } from '../fixtures.ts'

const good = signed(provenance())
const whole = [
  builtRule,
  'hermetic: {by: [release-builder]}',
  "recent: {by: [release-builder], commit: 90d, build: 30d, version: '>=1.2.3'}",
  'allowed: {by: [release-managers], environment: production}',
]
const named = "artifacts: ['pkg:npm/shop']"

export const allowing: readonly Case[] = [
  allow('allow-simplest', 'the simplest policy works on its own (POL-15)', {
    require: ['signed: {by: [release-builder]}'],
    items: [good],
  }),
  allow(
    'allow-everything',
    'a policy with every rule allows what satisfies all of them, and says until when',
    {
      require: whole,
      policy: named,
      items: [
        good,
        signed(approval('production', { expires: '2026-06-10T00:00:00Z' }), keys.alice),
      ],
    },
    '2026-06-10T00:00:00.000Z',
  ),
  allow('allow-envelope', 'a bare DSSE envelope is as good as a bundle', {
    require: [builtRule],
    items: [item(envelopeBytes(provenance(), [keys.builder]))],
  }),
  allow('allow-signature-of-stranger-beside', 'signatures of unknown keys are ignored', {
    require: [builtRule],
    items: [item(envelopeBytes(provenance(), [keys.stranger, keys.builder]))],
  }),
  allow('allow-misleading-keyid', 'the keyid is a hint: the signature decides', {
    require: [builtRule],
    items: [item(envelopeBytes(provenance(), [keys.builder], { keyid: keys.alice.keyid }))],
  }),
  allow('allow-agreeing-records', 'two records that agree are no contradiction', {
    require: [builtRule],
    items: [good, signed(provenance({ finishedOn: '2026-05-22T00:00:00Z' }))],
  }),
  allow(
    'allow-freshest-record',
    'an older record of the same artifact contradicts nobody: the freshest counts',
    {
      require: [builtRule, 'recent: {by: [release-builder], build: 30d}'],
      items: [good, signed(provenance({ finishedOn: '2026-01-01T00:00:00Z' }))],
    },
    '2026-06-20T00:01:00.000Z',
  ),
  allow(
    'allow-silent-record',
    'a record that says nothing about what is asked contradicts nobody',
    {
      require: ['hermetic: {by: [release-builder]}'],
      items: [good, signed(provenance({ internal: {} }))],
    },
  ),
  allow('allow-rubbish-beside', 'bad evidence beside good evidence does not spoil it', {
    require: [builtRule],
    items: [
      good,
      item(Buffer.from('{"rubbish": true}')),
      signed(provenance(), keys.stranger),
      signed(provenance({ sha256: 'ab'.repeat(32) })),
    ],
  }),
  allow('allow-source-prefix', 'a prefix that is written out means every repository below it', {
    require: [
      'built: {by: [release-builder], from: {prefix: git+https://git.example/acme/}, refs: [{prefix: refs/heads/}], parameters: {target: [release]}}',
    ],
    items: [good],
  }),
  allow(
    'allow-commit-without-ref',
    'a build of a commit names no ref, and needs none when the rule asks for none',
    {
      require: [
        `built: {by: [release-builder], from: ${repository}, parameters: {target: [release]}}`,
      ],
      items: [signed(provenance({ ref: null }))],
    },
  ),
  allow('allow-empty-parameter', 'null, empty and unset are equal (V10)', {
    require: [builtRule],
    items: [
      signed(provenance({ parameters: { target: 'release', region: '', flags: [], more: null } })),
    ],
  }),
  allow(
    'allow-any-value-unsafe',
    'a parameter may have any value where the policy says so dangerously',
    {
      require: [
        `built: {by: [release-builder], from: ${repository}, refs: [refs/heads/main], parameters: {target: [release], region: {anyValueUnsafe: true}}}`,
      ],
      items: [signed(provenance({ parameters: { target: 'release', region: 'eu' } }))],
    },
  ),
  allow('allow-measured-root', 'a measured root is enough where the policy says so', {
    require: ['hermetic: {by: [release-builder], root: measured}'],
    items: [
      signed(
        provenance({
          internal: {
            ...isolation,
            sallyport_sandbox: { backend: 'bubblewrap', root: 'measured', network: 'none' },
          },
        }),
      ),
    ],
  }),
  allow(
    'allow-network-attempts',
    'attempts to reach a network are let pass where the policy says so',
    {
      require: ['hermetic: {by: [release-builder], networkAttempts: allowed}'],
      items: [
        signed(
          provenance({
            internal: { ...isolation, sallyport_network: { mode: 'recorded', attempts: 3 } },
          }),
        ),
      ],
    },
  ),
  allow('allow-two-owners', 'two approvals by two owners are two', {
    require: ['allowed: {by: [release-managers], count: 2}'],
    items: [signed(approval(), keys.alice), signed(approval(), keys.bob)],
  }),
  allow('allow-expired-approval-renewed', 'an expired approval does not spoil a new one', {
    require: ['allowed: {by: [release-managers]}'],
    items: [
      signed(
        approval('production', {
          approvedOn: '2026-01-01T00:00:00Z',
          expires: '2026-02-01T00:00:00Z',
        }),
        keys.alice,
      ),
      signed(approval('staging'), keys.alice),
      signed(approval(), keys.bob),
    ],
  }),
  allow('allow-higher-level', 'a builder may be trusted further than the rule asks', {
    require: [
      `built: {by: [release-builder, hosted-builder], level: 2, from: ${repository}, refs: [refs/heads/main], parameters: {target: [release]}}`,
    ],
    items: [signed(provenance({ builderId: builderIds.hosted }), keys.hosted)],
  }),
  allow('allow-version-per-package', 'each package has its own minimum', {
    require: [
      "recent: {by: [release-builder], version: {pkg:npm/other: '>=9.0.0', pkg:npm/shop: '>=1.2.3'}}",
    ],
    items: [good],
  }),
  allow(
    'allow-requested-by-package-url',
    'a request by package URL is for the package that the builder named',
    {
      require: [builtRule],
      policy: named,
      items: [good],
      request: { ...request, artifact: { ...request.artifact, name: 'pkg:npm/shop@1.2.3' } },
    },
  ),
]
