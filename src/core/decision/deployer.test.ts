import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decisionExitCode, type Decision } from './index.ts'
import {
  codesOf,
  decideOn,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
} from './testing/fixtures.ts'

const rules = ['signed: {by: [release-builder]}']
const issuer = 'oidc:https://ci.example#'
const deployers = `deployers: [token:release, 'kubernetes:alice', {prefix: '${issuer}repo:acme/shop:ref:refs/tags/'}]`

const askedBy = (
  principal: string | undefined,
  items = [signed(provenance())],
  more = '',
): Decision =>
  decideOn(rules, items, {
    policy: `${deployers}\n${more}`,
    request: {
      ...request,
      requester: 'token:release',
      ...(principal === undefined ? {} : { principal }),
    },
  })

test('a perfect artifact is refused to who may not deploy it, and both verdicts are recorded', () => {
  const decision = askedBy('token:other')
  assert.deepEqual(codesOf(decision), ['DEPLOYER_NOT_ALLOWED'])
  assert.equal(decision.verdict, 'DENY')
  assert.equal(decision.effect, 'blocked')
  assert.equal(decisionExitCode(decision), 1)
  assert.deepEqual(
    decision.rules.map(({ verdict }) => verdict),
    ['PASS'],
  )
  assert.deepEqual(decision.deployer, {
    principal: 'token:other',
    authorised: false,
    otherwise: 'ALLOW',
  })
  assert.match(decision.reasons[0]?.expected ?? '', /"token:release"/)
})

test('who may deploy gets what the artifact deserves, and nothing more', () => {
  for (const principal of [
    'token:release',
    'kubernetes:alice',
    `${issuer}repo:acme/shop:ref:refs/tags/v1`,
  ]) {
    assert.equal(askedBy(principal).effect, 'admitted', principal)
    assert.equal(askedBy(principal, []).verdict, 'DENY', principal)
    assert.equal(askedBy(principal, []).deployer?.authorised, true)
  }
})

test('a name that was not proven, of another kind, longer, shorter or beside the prefix is nobody’s', () => {
  const names = [
    undefined,
    '',
    'release',
    'os:token:release',
    'oidc:token:release',
    'token:release2',
    'token:Release',
    'token:alice',
    'certificate:alice',
    `${issuer}repo:acme/shop:ref:refs/tags/`,
    `${issuer}repo:acme/shop:ref:refs/heads/main`,
    `${issuer}repo:acme/shop-evil:ref:refs/tags/v1`,
    `${issuer}repo:acme/shop:ref:refs/tags/../heads/x`,
    'oidc:https://ci.example.evil#repo:acme/shop:ref:refs/tags/v1',
  ]
  for (const name of names) assert.equal(askedBy(name).effect, 'blocked', name)
})

test('a broken artifact and a stranger are both told at once', () => {
  const decision = askedBy('token:other', [])
  assert.equal(codesOf(decision)[0], 'DEPLOYER_NOT_ALLOWED')
  assert.ok(codesOf(decision).length > 1)
  assert.equal(decision.deployer?.otherwise, 'DENY')
})

test('an outage lets in nobody who may not deploy', () => {
  const evidence = { items: [], sources: [{ name: 'r', outcome: 'unavailable' as const }] }
  const ask = (principal: string): Decision =>
    decideOn(rules, [], {
      evidence,
      policy: `${deployers}\nwhenUnavailable: allow`,
      request: { ...request, principal },
    })
  assert.equal(ask('token:release').effect, 'admitted-unavailable')
  const stranger = ask('token:other')
  assert.equal(stranger.effect, 'blocked')
  assert.equal(stranger.verdict, 'DENY')
  assert.equal(stranger.deployer?.otherwise, 'UNDETERMINED')
})

test('a policy that names nobody as deployer says nothing of who asks', () => {
  const decision = decideOn(rules, [signed(provenance())], {
    request: { ...request, principal: 'token:other' },
  })
  assert.equal(decision.effect, 'admitted')
  assert.equal('deployer' in decision, false)
})

test('deployers are written out, or end where a part of a name ends', () => {
  const bad = [
    '[]',
    '[release]',
    "['*']",
    "['token:*']",
    "['oidc:https://ci.example']",
    "[{prefix: 'token:'}]",
    `[{prefix: '${issuer}'}]`,
    `[{prefix: '${issuer}repo:acme'}]`,
    "[{prefix: 'oidc:https://ci.example/'}]",
  ]
  for (const one of bad)
    assert.throws(
      () => policiesOf(policyText(rules, `deployers: ${one}`)),
      { code: 'DOCUMENT_SHAPE' },
      one,
    )
})
