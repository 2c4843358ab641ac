import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkPolicies, lints } from '../index.ts'
import { inputOf, lintVectors, type LintExample } from './testing/fixture.ts'

const vectors = lintVectors()

function remarks(code: string, example: LintExample) {
  const lint = lints.find((one) => one.code === code)
  assert.ok(lint !== undefined, `${code} is a lint`)
  return lint.find(inputOf(example))
}

for (const { lint, bad, good } of vectors) {
  test(`${lint} finds its bad example, says where, and finds nothing in its good one`, () => {
    const found = remarks(lint, bad)
    assert.ok(found.length > 0, 'the bad example has it')
    for (const { where, expected, found: seen, fix } of found) {
      assert.match(where ?? '', /^(?:policies\/\d+|trust)\.yaml:\d+:\d+/)
      assert.match(fix, /^[A-Z][a-z]+ /)
      assert.ok(expected !== '' && seen !== '')
    }
    assert.deepEqual(remarks(lint, good), [])
  })

  test(`the examples of ${lint} are policies that fit their trust file`, () => {
    for (const example of [bad, good]) {
      const { policies, trust } = inputOf(example)
      assert.deepEqual(checkPolicies(policies, trust), [])
    }
  })
}

test('every lint has examples', () => {
  assert.deepEqual(vectors.map(({ lint }) => lint).sort(), lints.map(({ code }) => code).sort())
})

test('a rule that leaves open whatever it does not mention is as bad as one that opens a parameter', () => {
  const open =
    'require:\n  - built: {by: [ci], from: git+https://g.example/a/b, unmentionedUnsafe: true}\n'
  const example = { policies: [open] }
  assert.equal(remarks('LINT_PARAMETER_ANY', example).length, 1)
  assert.deepEqual(remarks('LINT_PARAMETER_UNSAID', example), [])
})

test('a loose subject is no finding where the certificate must name the repository, and prefixes of it do not help', () => {
  const signers = (pin: string) => `
ci:
  identities:
    - root: public
      issuer: https://token.actions.githubusercontent.com
      subjectPrefix: https://github.com/acme/
      certificate: {sourceRepositoryURI: ${pin}}
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{idPrefix: https://github.com/acme/, level: 1}]
`
  const found = (pin: string) =>
    remarks('LINT_IDENTITY_LOOSE', { policies: [], signers: signers(pin) }).length
  assert.equal(found('https://github.com/acme/shop'), 0)
  assert.equal(found('{prefix: https://github.com/acme/}'), 1)
})

test('who may break the glass is asked for by the policy that says so, and by no rule', () => {
  const signers = `
oncall:
  keys: [{publicKey: <key 1>, owner: erin, validFrom: 2026-01-01T00:00:00Z, validUntil: 2027-01-01T00:00:00Z}]
  predicateTypes: [https://sallyport.dev/attestation/breakglass/v1, https://sallyport.dev/attestation/risk-acceptance/v1]
`
  const found = (more: string) => {
    const rule = 'require:\n  - allowed: {by: [oncall]}\n'
    return remarks('LINT_UNREQUIRED', { policies: [`${rule}${more}`], signers }).map(
      ({ found: text }) => text.match(/attestation\/[a-z-]+/g) ?? [],
    )
  }
  assert.deepEqual(found('breakglass: {approvers: [oncall], count: 1, maxDuration: 4h}\n'), [])
  assert.deepEqual(found(''), [['attestation/breakglass', 'attestation/risk-acceptance']])
})

const shop = (rules: string, more = '') => ({
  policies: [`require:\n${rules.replace(/^(?=.)/gm, '  - ')}\n${more}`],
})
const key = (end: string) => `
ci:
  keys: [{publicKey: <key 1>, validFrom: 2026-01-01T00:00:00Z, validUntil: ${end}}]
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{id: https://build.example/v1, level: 1}]
`

test('a key ends, and an exemption is over, in the very moment that is written', () => {
  const at = '2026-06-01T12:00:00Z'
  const after = '2026-06-01T12:00:01Z'
  const ended = (end: string) =>
    remarks('LINT_SIGNER_ENDED', { policies: [], signers: key(end) }).length
  assert.deepEqual([ended(at), ended(after)], [1, 0])
  const exempt = (end: string) =>
    remarks(
      'LINT_EXEMPTION_EXPIRED',
      shop(
        'signed: {by: [ci]}',
        `exemptions: [{rule: signed, reason: r, owner: o, expires: ${end}}]`,
      ),
    ).length
  assert.deepEqual([exempt(at), exempt(after)], [1, 0])
})

test('of two equal rules one is too many, not both', () => {
  assert.equal(
    remarks('LINT_RULE_REDUNDANT', shop('signed: {by: [ci]}\nsigned: {by: [ci]}')).length,
    1,
  )
})

test('who must be joined by somebody else satisfies nothing alone', () => {
  const signers = `
ci:
  owner: alice
  keys: [{publicKey: <key 1>, validFrom: 2026-01-01T00:00:00Z}]
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{id: https://build.example/v1, level: 1}]
approvers:
  owner: alice
  keys:
    - {publicKey: <key 2>, validFrom: 2026-01-01T00:00:00Z}
    - {publicKey: <key 3>, owner: bob, validFrom: 2026-01-01T00:00:00Z}
  predicateTypes: [https://sallyport.dev/attestation/approval/v1]
`
  const found = (count: number, entries = signers) =>
    remarks('LINT_ONE_OWNER', {
      ...shop(`signed: {by: [ci]}\nallowed: {by: [approvers], count: ${count}}`),
      signers: entries,
    }).length
  assert.deepEqual([found(1), found(2)], [1, 0])
  const together = `${signers}  threshold: 2\n`
  assert.equal(found(1, together), 0)
})

test('who signs with certificates of a private authority is somebody, as who has a key is', () => {
  const name = (of: string, more = '') =>
    `{root: acme, uri: 'spiffe://acme.example/${of}', owner: ${of}${more}}`
  const people = (...names: readonly string[]) => `
people:
  certificates: [${names.join(', ')}]
  predicateTypes:
    - https://sallyport.dev/attestation/approval/v1
    - https://sallyport.dev/attestation/review/v1
    - https://slsa.dev/provenance/v1
  builders: [{id: https://build.example/v1, level: 1}]
`
  const both = people(name('erin'), name('grace'))
  const found = (code: string, signers: string, rules = 'signed: {by: [people]}') =>
    remarks(code, { ...shop(rules), signers }).length
  assert.equal(found('LINT_SIGNER_ENDED', both), 0)
  assert.equal(
    found('LINT_SIGNER_ENDED', people(name('erin', ', validUntil: 2026-06-01T00:00:00Z'))),
    1,
  )
  assert.equal(found('LINT_OWNER_ALIKE', people(name('erin'), name('Erin'))), 1)
  const alone = people(name('erin')).replaceAll('people:', 'others:') + people(name('erin'))
  const separate = 'signed: {by: [others]}\nallowed: {by: [people]}'
  assert.equal(found('LINT_ONE_OWNER', alone, separate), 1)
  for (const rule of ['reviewed: {by: [people], approvals: 2}', 'reproduced: {by: [people]}']) {
    const { policies, trust } = inputOf({ ...shop(rule), signers: both })
    assert.deepEqual(checkPolicies(policies, trust), [])
  }
})

test('builders below a path that no certificate confirms are found as one that stands alone is', () => {
  const policies = ['require:\n  - built: {by: [ci], from: git+https://g.example/a/b}\n']
  const signers = (more: string) => `
ci:
  identities:
    - root: public
      issuer: https://token.actions.githubusercontent.com
      subjectPrefix: https://github.com/acme/shop/.github/workflows/release.yml@
  predicateTypes: [https://slsa.dev/provenance/v1]
  builders: [{idPrefix: https://build.example/other/${more}}]
`
  const found = (more: string) =>
    remarks('LINT_BUILDER_UNPROVEN', { policies, signers: signers(more) }).length
  assert.equal(found(', level: 1, notInCertificateUnsafe: true'), 1)
  assert.equal(found(', level: 1'), 0)
})
