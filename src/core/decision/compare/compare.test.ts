import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parsePolicies, type PolicySet } from '#policy'
import { comparePolicies } from './compare-policies.ts'

const head = (name = 'p'): string =>
  `apiVersion: sallyport.dev/v1
kind: DeploymentPolicy
metadata: {name: ${name}, owner: o}
`
const plain = '- signed: {by: [a]}'

function policy(rules: string, more = '', name = 'p'): PolicySet {
  const service = name
  const text = `${head(name)}targets: [{environment: e, service: ${service}}]\n${more}\nrequire:\n  ${rules}\n`
  return parsePolicies([{ file: `${name}.yaml`, bytes: Buffer.from(text) }])
}

function changes(before: PolicySet, after: PolicySet): readonly string[] {
  return comparePolicies(before, after).map(({ direction, words }) => `${direction}: ${words}`)
}

test('the same policies do not differ, wherever they stand', () => {
  assert.deepEqual(changes(policy(plain), policy(`# moved\n  ${plain}`)), [])
})

const rules: readonly (readonly [string, string, string])[] = [
  [
    '- signed: {by: [a]}',
    '- signed: {by: [a, b]}',
    'loosened: rule signed: by became ["a","b"], and was ["a"]',
  ],
  [
    '- signed: {by: [a]}',
    '- signed: {by: [b]}',
    'changed: rule signed: by became ["b"], and was ["a"]',
  ],
  [
    '- signed: {by: [a, b]}',
    '- signed: {by: [a, b], count: 2}',
    'tightened: rule signed: count became 2, and was 1',
  ],
  [
    '- recent: {by: [a], commit: 90d}',
    '- recent: {by: [a], commit: 91d}',
    'loosened: rule recent: commit became 91d, and was 90d',
  ],
  [
    '- recent: {by: [a], commit: 90d}',
    '- recent: {by: [a], commit: 90d, build: 1d}',
    'tightened: rule recent: build became 1d, and was not set',
  ],
  [
    '- tested: {by: [a], suites: [x, y], builtBy: [a]}',
    '- tested: {by: [a], suites: [x], builtBy: [a]}',
    'loosened: rule tested: suites became ["x"], and was ["x","y"]',
  ],
  [
    '- scanned: {by: [a], within: 7d, deny: {severity: high}}',
    '- scanned: {by: [a], within: 7d, deny: {severity: critical}}',
    'loosened: rule scanned: deny.severity became "critical", and was "high"',
  ],
  [
    '- scanned: {by: [a], within: 7d, deny: {severity: high, unless: vex}}',
    '- scanned: {by: [a], within: 7d, deny: {severity: high}}',
    'tightened: rule scanned: deny.unless became not set, and was "vex"',
  ],
  [
    '- sbom: {by: [a], licenses: {deny: [MIT]}}',
    '- sbom: {by: [a], licenses: {deny: [MIT, ISC]}}',
    'tightened: rule sbom: licenses.deny became ["MIT","ISC"], and was ["MIT"]',
  ],
  [
    '- built: {by: [a], from: git+https://git.example/a/b, parameters: {t: [x]}}',
    '- built: {by: [a], from: git+https://git.example/a/b, parameters: {t: [x], u: [y]}}',
    'loosened: rule built: parameters.u became ["y"], and was not set',
  ],
  [
    '- built: {by: [a], from: git+https://git.example/a/b}',
    '- built: {by: [a], from: {prefix: git+https://git.example/a/}}',
    'loosened: rule built: from became {"prefix":"git+https://git.example/a/"}, and was "git+https://git.example/a/b"',
  ],
  [
    '- hermetic: {by: [a]}',
    '- hermetic: {by: [a], root: measured}',
    'loosened: rule hermetic: root became "measured", and was "pinned"',
  ],
]

for (const [before, after, expected] of rules) {
  test(`a parameter is told with its direction: ${expected}`, () => {
    assert.deepEqual(changes(policy(before), policy(after)), [expected])
    const [back] = changes(policy(after), policy(before))
    const opposite = { loosened: 'tightened', tightened: 'loosened', changed: 'changed' } as const
    const [direction = ''] = expected.split(':')
    assert.ok(back?.startsWith(opposite[direction as keyof typeof opposite]), back)
  })
}

test('rules that come and go are told; their order says nothing', () => {
  const two = policy('- signed: {by: [a]}\n  - hermetic: {by: [a]}')
  const turned = policy('- hermetic: {by: [a]}\n  - signed: {by: [a]}')
  assert.deepEqual(changes(two, turned), [])
  assert.deepEqual(changes(policy(plain), two), ['tightened: rule hermetic is new'])
  assert.deepEqual(changes(two, policy(plain)), ['loosened: rule hermetic is gone'])
})

test('what stands beside the rules counts as much', () => {
  const audit = policy(plain, 'mode: audit')
  assert.deepEqual(changes(policy(plain), audit), ['loosened: mode became audit, and was enforce'])
  const open = policy(plain, 'whenUnavailable: allow')
  assert.deepEqual(changes(open, policy(plain)), [
    'tightened: whenUnavailable became deny, and was allow',
  ])
  const named = policy(plain, 'artifacts: [pkg:npm/shop]')
  assert.deepEqual(changes(policy(plain), named), [
    'tightened: artifacts became "pkg:npm/shop", and was not set',
  ])
  const exempt = policy(
    plain,
    'exemptions: [{rule: signed, reason: r, owner: o, expires: 2030-01-01T00:00:00Z}]',
  )
  assert.match(
    changes(policy(plain), exempt)[0] ?? '',
    /^loosened: exemption of require\[0\].signed until 2030/,
  )
})

test('a policy that comes lets in, and one that goes does not', () => {
  const one = policy(plain)
  const other = policy(plain, '', 'q')
  assert.deepEqual(changes(one, other), [
    'tightened: the policy is gone, and decided about "e/p"',
    'loosened: the policy is new, and decides about "e/q"',
  ])
})
