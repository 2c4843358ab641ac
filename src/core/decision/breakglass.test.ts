import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { breakglassStatement, predicateTypes, type Breakglass } from '#attestation'
import { encodeCanonical, type JsonObject } from '#document'
import { checkPolicies } from '#policy'
import { parseTrust } from '#trust'
import { bundleBytes, keyEntry, makeKey } from '../trust/testing/fixtures.ts'
import { accountOf, decisionExitCode, encodeDecision, type Decision } from './index.ts'
import {
  codesOf,
  decideOn,
  item,
  keys,
  policiesOf,
  policyText,
  provenance,
  request,
  sha256,
  signed,
  trustEntries,
} from './testing/fixtures.ts'

const people = { erin: makeKey(), frank: makeKey('ed25519'), mallory: makeKey() }
const type = predicateTypes.breakglass
const entriesOf = (one: string, other: string) => ({
  ...trustEntries,
  'sre-oncall': {
    keys: [keyEntry(people.erin, { owner: one }), keyEntry(people.frank, { owner: other })],
    predicateTypes: [type],
  },
  others: { keys: [keyEntry(people.mallory, { owner: 'mallory' })], predicateTypes: [type] },
})
const entries = entriesOf('erin', 'frank')
const head = { apiVersion: 'sallyport.dev/v1', kind: 'Trust' }
const trustWith = (more: JsonObject = {}, metadata: JsonObject = {}) =>
  parseTrust(
    encodeCanonical({
      ...head,
      metadata: { name: 'default', owner: 'platform-security', ...metadata },
      signers: entries,
      ...more,
    }),
    { file: 'trust.yaml' },
  )
const trust = trustWith()
const trustOwnedBy = (one: string, other: string) => trustWith({ signers: entriesOf(one, other) })
const rules = [
  'signed: {by: [release-builder]}',
  'allowed: {by: [release-managers], environment: production}',
]
const glass = (count = 1) =>
  `breakglass: {approvers: [sre-oncall], count: ${count}, maxDuration: 2h}`
const failing = ['require[0].signed', 'require[1].allowed']

const good: Breakglass = {
  requester: 'dave',
  approver: 'erin',
  environment: 'production',
  service: 'shop',
  rules: failing,
  reason: 'checkout is down',
  incident: 'INC-17',
  notBefore: '2026-06-01T11:30:00Z',
  expires: '2026-06-01T13:00:00Z',
}

function granted(more: Partial<Breakglass> = {}, key = people.erin, digest = sha256) {
  const statement = breakglassStatement([{ name: 'shop', digest: { sha256: digest } }], {
    ...good,
    ...more,
  })
  return signed(statement, key)
}

const ask = (items: Parameters<typeof decideOn>[1], count = 1, more: object = {}): Decision =>
  decideOn(rules, items, { trust, policy: glass(count), ...more })

const problemsOf = ({ breakglass }: Decision): readonly string[] =>
  breakglass?.grants.flatMap(({ problems }) => problems.map(({ code }) => code)) ?? []

test('a good grant lets in what the rules refuse, and says so; the verdict stays', () => {
  const without = ask([])
  assert.deepEqual(
    [without.verdict, without.effect, without.breakglass],
    ['DENY', 'blocked', undefined],
  )
  const decision = ask([granted()])
  assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'admitted-breakglass'])
  assert.equal(decisionExitCode(decision), 0)
  assert.deepEqual(codesOf(decision), codesOf(without))
  assert.deepEqual(
    decision.rules.map(({ verdict }) => verdict),
    ['MISSING', 'MISSING'],
  )
  const digest = decision.inputs.evidence[0]?.digest
  assert.deepEqual(decision.breakglass?.used, {
    approvers: ['erin'],
    until: '2026-06-01T13:00:00.000Z',
    grants: [digest],
  })
  assert.deepEqual(decision.breakglass?.wanted, failing)
  assert.ok(encodeDecision(decision).length > 0)
  const { state, alarm } = accountOf(decision)
  assert.equal(state, 'BREAKGLASS')
  assert.match(
    alarm.join('\n'),
    /dave: checkout is down[^]*INC-17[^]*erin until[^]*otherwise DENY: require\[0\]/,
  )
})

test('what is decided again opens with no grant, and is no use of one', () => {
  const rechecks = { first: 1, last: 1, question: 'f'.repeat(64) }
  const decision = ask([granted()], 1, { request: { ...request, rechecks } })
  assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'])
  assert.equal(decision.breakglass, undefined)
})

test('a grant waives what it names: evidence that is there still counts', () => {
  const decision = ask([granted({ rules: ['require[1].allowed'] }), signed(provenance())])
  assert.equal(decision.effect, 'admitted-breakglass')
  assert.deepEqual(decision.breakglass?.wanted, ['require[1].allowed'])
})

test('what the policy lets in breaks no glass', () => {
  const decision = decideOn([rules[0] ?? ''], [granted(), signed(provenance())], {
    trust,
    policy: glass(),
  })
  assert.deepEqual([decision.verdict, decision.effect], ['ALLOW', 'admitted'])
  assert.equal(decision.breakglass?.used, undefined)
  assert.equal(accountOf(decision).state, 'allowed')
})

const other = 'ab'.repeat(32)
const refused: readonly [string, ReturnType<typeof granted>, string][] = [
  ['another artifact', granted({}, people.erin, other), 'BREAKGLASS_OTHER_ARTIFACT'],
  ['another environment', granted({ environment: 'staging' }), 'BREAKGLASS_OTHER_TARGET'],
  ['another service', granted({ service: 'bank' }), 'BREAKGLASS_OTHER_TARGET'],
  ['a time to come', granted({ notBefore: '2026-06-01T12:00:01Z' }), 'BREAKGLASS_NOT_YET'],
  ['a time that is over', granted({ expires: '2026-06-01T12:00:00Z' }), 'BREAKGLASS_EXPIRED'],
  ['too long a time', granted({ expires: '2026-06-01T13:30:01Z' }), 'BREAKGLASS_TOO_LONG'],
  ['one rule of two', granted({ rules: failing.slice(1) }), 'BREAKGLASS_RULES'],
  [
    'rules that are not the ones',
    granted({ rules: ['signed', 'allowed', '*'] }),
    'BREAKGLASS_RULES',
  ],
  ['a signer who is not listed', granted({}, people.mallory), 'BREAKGLASS_NOT_APPROVER'],
  ['who asked', granted({ requester: 'erin', approver: 'x' }), 'BREAKGLASS_SELF_APPROVED'],
  [
    'who asked, by another spelling',
    granted({ requester: ' ERIN', approver: 'x' }),
    'BREAKGLASS_SELF_APPROVED',
  ],
]

for (const [what, grant, code] of refused) {
  test(`a grant by or for ${what} has no effect, and its own problem`, () => {
    const decision = ask([grant])
    assert.deepEqual([decision.verdict, decision.effect], ['DENY', 'blocked'])
    assert.deepEqual(problemsOf(decision), [code])
    assert.equal(codesOf(decision).at(-1), code)
    assert.deepEqual(codesOf(decision).slice(0, -1), codesOf(ask([])))
  })
}

test('who asks for the deployment cannot have granted it', () => {
  const own = { request: { ...request, requester: 'Erin' } }
  assert.deepEqual(problemsOf(ask([granted()], 1, own)), ['BREAKGLASS_SELF_APPROVED'])
  const proven = { request: { ...request, requester: 'token:erin' } }
  assert.deepEqual(problemsOf(ask([granted()], 1, proven)), ['BREAKGLASS_SELF_APPROVED'])
  const colleague = { request: { ...request, requester: 'dave' } }
  assert.equal(ask([granted()], 1, colleague).effect, 'admitted-breakglass')
})

test('who is proven to ask for the deployment cannot have granted it, whatever name they say', () => {
  const spoofed = { request: { ...request, requester: 'github:bob', principal: 'os:erin' } }
  assert.deepEqual(problemsOf(ask([granted()], 1, spoofed)), ['BREAKGLASS_SELF_APPROVED'])
  const two = [granted(), granted({ approver: 'frank' }, people.frank)]
  assert.deepEqual(ask(two, 1, spoofed).breakglass?.used?.approvers, ['frank'])
  assert.equal(ask(two, 2, spoofed).effect, 'blocked')
  const prefixed = {
    trust: trustOwnedBy('token:erin', 'frank'),
    request: { ...request, requester: 'erin' },
  }
  assert.deepEqual(problemsOf(ask([granted()], 1, prefixed)), ['BREAKGLASS_SELF_APPROVED'])
})

test('a name with prefixes of its own is found behind those of whatever has proven it', () => {
  for (const [owner, principal] of [
    ['acme:oncall', 'kubernetes:oidc:acme:oncall'],
    ['arn:aws:iam::1:user/erin', 'kubernetes:aws-iam:arn:aws:iam::1:user/erin'],
    ['https://idp.example#erin', 'oidc:https://idp.example#erin'],
    ['dave#EXT#@acme.example', 'oidc:https://idp.example#dave#EXT#@acme.example'],
    ['erin', `oidc:https://idp.example#${'a:'.repeat(500)}erin`],
  ] as const) {
    const trust = trustOwnedBy(owner, 'frank')
    const own = { trust, request: { ...request, principal } }
    assert.deepEqual(problemsOf(ask([granted()], 1, own)), ['BREAKGLASS_SELF_APPROVED'], owner)
    const others = { trust, request: { ...request, principal: principal.replace(/.$/, 'x') } }
    assert.equal(ask([granted()], 1, others).effect, 'admitted-breakglass', owner)
  }
})

test('one person under two spellings counts once', () => {
  const two = [granted(), granted({ approver: 'frank' }, people.frank)]
  for (const [one, other] of [
    ['erin', 'Erin'],
    ['erin', ' erin'],
    ['erin', 'token:erin'],
    ['erin#ext', 'oidc:https://idp.example#erin#ext'],
  ] as const) {
    const alike = { trust: trustOwnedBy(one, other) }
    const decision = ask(two, 2, alike)
    assert.equal(decision.effect, 'blocked')
    assert.deepEqual(problemsOf(decision), ['BREAKGLASS_TOO_FEW', 'BREAKGLASS_TOO_FEW'])
    assert.equal(ask(two, 1, alike).breakglass?.used?.approvers.length, 1)
    const terms = { breakglass: { approvers: ['sre-oncall'], count: 2 } }
    assert.throws(() => trustWith({ ...terms, signers: entriesOf(one, other) }), {
      code: 'BREAKGLASS_TERMS',
    })
  }
})

test('two people of two teams are two, whatever their names have in common', () => {
  const two = [granted(), granted({ approver: 'frank' }, people.frank)]
  for (const [one, other] of [
    ['acme:oncall', 'globex:oncall'],
    ['alice#yubikey', 'bob#yubikey'],
  ] as const) {
    const apart = { trust: trustOwnedBy(one, other) }
    assert.deepEqual(ask(two, 2, apart).breakglass?.used?.approvers, [one, other])
    const byOne = { ...apart, request: { ...request, principal: `token:${one}` } }
    assert.equal(ask(two, 2, byOne).effect, 'blocked')
    assert.deepEqual(ask(two, 1, byOne).breakglass?.used?.approvers, [other])
  }
})

test('a forged or changed grant is what #trust says it is', () => {
  assert.deepEqual(problemsOf(ask([granted({}, makeKey())])), ['SIGNATURE_UNKNOWN_KEY'])
  const { bytes } = granted()
  const text = Buffer.from(bytes).toString('latin1')
  const bad = item(Buffer.from(text.replace(/"sig":"(.{8})/, '"sig":"AAAAAAAA'), 'latin1'))
  const decision = ask([bad])
  assert.equal(decision.effect, 'blocked')
  assert.equal(problemsOf(decision).length, 1)
  const approval = bundleBytes(
    { ...breakglassStatement([{ digest: { sha256 } }], good), predicate: { more: true } },
    people.erin,
  )
  assert.match(problemsOf(ask([item(approval)])).join(), /^ATTESTATION_/)
})

test('a key for approvals breaks no glass: the type is part of what a signer may say', () => {
  const decision = ask([granted({}, keys.alice)])
  assert.deepEqual(problemsOf(decision), ['SIGNER_NOT_FOR_PREDICATE'])
  assert.equal(decision.effect, 'blocked')
})

test('people are counted, not signatures; who asks for one grant does not count in another', () => {
  const both = [granted(), granted({ approver: 'frank' }, people.frank)]
  assert.deepEqual(problemsOf(ask([granted()], 2)), ['BREAKGLASS_TOO_FEW'])
  assert.deepEqual(ask(both, 2).breakglass?.used?.approvers, ['erin', 'frank'])
  const twice = [granted(), granted({ reason: 'again' })]
  assert.deepEqual(problemsOf(ask(twice, 2)), ['BREAKGLASS_TOO_FEW', 'BREAKGLASS_TOO_FEW'])
  const eachOther = [
    granted({ requester: 'frank' }),
    granted({ requester: 'erin', approver: 'frank' }, people.frank),
  ]
  assert.equal(ask(eachOther, 1).effect, 'blocked')
  const halves = [
    granted({ rules: failing.slice(1) }),
    granted({ rules: failing.slice(0, 1), approver: 'frank' }, people.frank),
  ]
  assert.deepEqual(problemsOf(ask(halves, 1)), ['BREAKGLASS_RULES', 'BREAKGLASS_RULES'])
})

test('without "breakglass" in the policy nobody lets anything in', () => {
  const decision = decideOn(rules, [granted()], { trust })
  assert.deepEqual(problemsOf(decision), ['BREAKGLASS_NOT_OFFERED'])
  const inTrust = trustWith({ breakglass: { approvers: ['sre-oncall'] } })
  assert.equal(decideOn(rules, [granted()], { trust: inTrust }).effect, 'blocked')
})

const emergency = trustWith({ breakglass: { approvers: ['sre-oncall'], maxDuration: '2h' } })

test('where no policy decides, the trust file says who may', () => {
  const none = { policies: policiesOf() }
  const waived = granted({ rules: ['policy'] })
  const decision = decideOn(rules, [waived], { ...none, trust: emergency })
  assert.deepEqual([decision.verdict, decision.effect], ['POLICY_ERROR', 'admitted-breakglass'])
  assert.equal(decision.breakglass?.terms?.from, 'trust')
  assert.equal(decisionExitCode(decision), 0)
  assert.equal(decideOn(rules, [waived], { ...none, trust }).effect, 'blocked')
  assert.equal(decideOn(rules, [granted()], { ...none, trust: emergency }).effect, 'blocked')
})

test('where evidence cannot be had, the trust file says who may, if the policy does not', () => {
  const sources = [{ name: 'store', outcome: 'unavailable' as const }]
  const lost = (items: readonly ReturnType<typeof granted>[]) => ({ evidence: { items, sources } })
  const decision = decideOn(rules, [], { ...lost([granted()]), trust: emergency })
  assert.deepEqual([decision.verdict, decision.effect], ['UNDETERMINED', 'admitted-breakglass'])
  assert.equal(decideOn(rules, [], { ...lost([granted()]), trust }).effect, 'blocked')
  assert.equal(ask([], 1, lost([granted()])).breakglass?.terms?.from, 'policy')
})

test('a trust file that is over believes nobody, not even in an emergency', () => {
  const over = trustWith(
    { breakglass: { approvers: ['sre-oncall'] } },
    { expires: '2026-06-01T11:00:00Z' },
  )
  const decision = ask([granted()], 1, { trust: over })
  assert.deepEqual([decision.verdict, decision.effect], ['UNDETERMINED', 'blocked'])
  assert.deepEqual(problemsOf(decision), ['BREAKGLASS_NOT_OFFERED'])
})

test('a grant about an index says nothing about what it lists', () => {
  const index = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      manifests: [
        {
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
          digest: `sha256:${sha256}`,
          size: 2,
        },
      ],
    }),
  )
  const about = granted({}, people.erin, item(index).digest)
  const evidence = { items: [about], sources: [], related: [{ index }] }
  assert.deepEqual(problemsOf(ask([], 1, { evidence })), ['BREAKGLASS_OTHER_ARTIFACT'])
})

test('approvers who cannot approve are found before the emergency', () => {
  for (const terms of [
    { approvers: ['sre-oncal'] },
    { approvers: ['release-managers'] },
    { approvers: ['sre-oncall'], count: 3 },
  ])
    assert.throws(() => trustWith({ breakglass: terms }), { code: 'BREAKGLASS_TERMS' })
  const policies = policiesOf(policyText(rules, 'breakglass: {approvers: [nobody]}'))
  assert.deepEqual(
    checkPolicies(policies, trust).map(({ code }) => code),
    ['BREAKGLASS_TERMS'],
  )
  for (const bad of [
    '{approvers: []}',
    '{approvers: [a], maxDuration: 8d}',
    '{approvers: [a], maxDuration: 169h}',
    '{approvers: [a], forever: true}',
  ])
    assert.throws(() => decideOn(rules, [], { policy: `breakglass: ${bad}` }))
})

test('no number of grants that do not count changes an effect', () => {
  const bad = refused.filter(([what]) => what !== 'one rule of two').map(([, grant]) => grant)
  fc.assert(
    fc.property(fc.subarray(bad, { minLength: 0 }), fc.boolean(), (some, isBuilt) => {
      const more = isBuilt ? [signed(provenance())] : []
      // Rules left over by one grant are not what another waives: all of them together open nothing.
      const decision = ask([...some, ...more])
      assert.equal(decision.effect, 'blocked')
      assert.equal(decision.verdict, ask(more).verdict)
      assert.ok(decision.breakglass === undefined || decision.breakglass.used === undefined)
    }),
    { numRuns: 60 },
  )
})

test('random predicates under the type of grants never open, and never make a decision fail', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom(...Object.keys(good), 'more'), fc.jsonValue()),
      (some) => {
        const predicate = { ...good, ...some, requester: 'dave', rules: some['rules'] ?? [] }
        const statement = {
          _type: 'https://in-toto.io/Statement/v1',
          subject: [{ digest: { sha256 } }],
          predicateType: type,
          predicate,
        }
        const decision = ask([item(bundleBytes(statement as never, people.erin))])
        assert.equal(decision.effect, 'blocked')
        assert.equal(decision.verdict, 'DENY')
      },
    ),
    { numRuns: 100 },
  )
})

test('grants of others crowd out none of an approver', () => {
  const bogus = Array.from({ length: 200 }, (_, at) =>
    granted({ reason: `nobody ${at}` }, people.mallory),
  )
  assert.equal(ask([...bogus, granted()]).effect, 'admitted-breakglass')
})

test('neither copies of a grant that is over nor others that do not hold crowd out one that does', () => {
  const over = granted({ notBefore: '2026-05-01T11:30:00Z', expires: '2026-05-01T12:30:00Z' })
  const copies = Array.from({ length: 300 }, (_, at) =>
    item(Buffer.concat([Buffer.from(' '.repeat(at + 1)), over.bytes])),
  )
  const old = Array.from({ length: 100 }, (_, at) =>
    granted({
      notBefore: '2026-05-01T11:30:00Z',
      expires: '2026-05-01T12:30:00Z',
      reason: `${at}`,
    }),
  )
  for (const reason of ['a', 'b', 'c']) {
    const decision = ask([...copies, ...old, granted({ reason })])
    assert.equal(decision.effect, 'admitted-breakglass')
    assert.equal(decision.breakglass?.grants.length, 32)
  }
  assert.equal(ask(copies).breakglass?.grants.length, 1)
})

test('a grant lets in whom the policy does not name only when it waives that, too', () => {
  const policy = `${glass()}\ndeployers: [token:release]`
  const more = { policy, request: { ...request, principal: 'token:other' } }
  const some = ask([granted()], 1, more)
  assert.equal(some.effect, 'blocked')
  assert.deepEqual(some.breakglass?.wanted, [...failing, 'deployers'])
  assert.equal(
    ask([granted({ rules: [...failing, 'deployers'] })], 1, more).effect,
    'admitted-breakglass',
  )
})
