import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseStatement, predicateTypes, type Statement } from '#attestation'
import type { Problem } from '#error'
import { rules } from '#policy'
import { createVerifier } from '#trust'
import { bundleBytes } from '../trust/testing/fixtures.ts'
import { decide, decisionExitCode, encodeDecision, engine, vsaOf, type Decision } from './index.ts'
import {
  approval,
  builtRule,
  codesOf,
  commit,
  decideOn,
  evidenceOf,
  item,
  keys,
  now,
  packageVersion,
  policiesOf,
  policyText,
  provenance,
  repository,
  request,
  sha256,
  signed,
  trust,
  trustEntries,
  trustOf,
} from './testing/fixtures.ts'
import { people, reviewed, world } from './testing/world.ts'

const good = signed(provenance())

function only(decision: Decision): Problem {
  assert.equal(decision.reasons.length, 1, JSON.stringify(decision.reasons))
  return decision.reasons[0] as Problem
}

test('the engine says the version of the package', () => {
  assert.equal(engine.version, packageVersion())
})

test('a decision names every input by its digest', () => {
  const decision = decideOn([builtRule], [good])
  assert.equal(decision.inputs.trust.digest, trust.digest)
  assert.equal(decision.policy?.digest, decision.inputs.policies[0]?.digest)
  assert.deepEqual(decision.inputs.evidence, [{ digest: good.digest, source: good.source }])
  assert.equal(decision.evidence[0]?.verified, true)
  assert.deepEqual(decision.evidence[0].signers, ['release-builder'])
})

test('a decision is canonical JSON, and the same bytes every time', () => {
  const bytes = encodeDecision(decideOn([builtRule], [good]))
  assert.deepEqual(bytes, encodeDecision(decideOn([builtRule], [good])))
  assert.deepEqual(JSON.parse(Buffer.from(bytes).toString()), decideOn([builtRule], [good]))
})

test('a verifier for another trust file is not used', () => {
  const nobody = trustOf({ kb: trustEntries['kb'] ?? null })
  const decision = decideOn([builtRule], [good], { verifier: createVerifier(nobody) })
  assert.equal(decision.verdict, 'ALLOW')
})

test('facts are told as proven or as claimed', () => {
  const decision = decideOn([builtRule], [good])
  const basis = Object.fromEntries(
    decision.rules[0]?.facts.map((fact) => [fact.name, fact.basis]) ?? [],
  )
  assert.equal(basis['signer'], 'authenticated')
  assert.equal(basis['level'], 'authenticated')
  assert.equal(basis['builder.id'], 'claimed')
  assert.equal(basis['source.uri'], 'claimed')
  assert.equal(decision.rules[0]?.facts.find(({ name }) => name === 'source.commit')?.value, commit)
})

test('a refusal names real values, the place in the policy, and a fix that works when followed', () => {
  const evil = `${repository}.git`
  const problem = only(decideOn([builtRule], [signed(provenance({ uri: evil }))]))
  assert.equal(problem.where, 'policies/production.yaml:6:36 require[0].built.from')
  assert.equal(problem.expected, `"${repository}"`)
  assert.match(
    problem.found,
    /"git\+https:\/\/git\.example\/acme\/shop\.git": it goes on with "\.git"/,
  )
  assert.match(problem.fix, /change "from" at policies\/production\.yaml:6:36/)
  const changed = builtRule.replace(repository, evil)
  assert.equal(decideOn([changed], [signed(provenance({ uri: evil }))]).verdict, 'ALLOW')
})

test('the fix for a parameter is the line to write', () => {
  const parts = { parameters: { target: 'release', region: 'eu' } }
  const problem = only(decideOn([builtRule], [signed(provenance(parts))]))
  const [, name = '', value = ''] = /`parameters: \{(\w+): \[(".*")\]\}`/.exec(problem.fix) ?? []
  const changed = builtRule.replace('target: [release]', `target: [release], ${name}: [${value}]`)
  assert.equal(decideOn([changed], [signed(provenance(parts))]).verdict, 'ALLOW')
})

test('the fix for a missing approval is the command to type', () => {
  const rule = 'allowed: {by: [release-managers]}'
  for (const items of [[], [signed(approval('staging'), keys.alice)]]) {
    const problem = only(decideOn([rule], items))
    assert.match(
      problem.fix,
      /^Have release-managers approve it: `sallyport approve shop-1\.2\.3\.tgz --environment production --reason "why"`$/,
    )
  }
})

test('names that an attacker chose cannot become part of a command', () => {
  const name = 'a`; rm -rf ~ #$(x)"\u202e.tgz'
  const decision = decideOn(['allowed: {by: [release-managers]}'], [], {
    request: { ...request, artifact: { ...request.artifact, name } },
  })
  const [, command = ''] = /`([^`]*)`/.exec(only(decision).fix) ?? []
  assert.match(command, /--reason "why"$/)
  assert.doesNotMatch(command, /[`$\u202e]/)
})

test('provenance that is missing says where was looked and what to do', () => {
  const decision = decideOn([builtRule], [], {
    evidence: {
      items: [],
      sources: [
        { name: 'shop.tgz.sigstore.jsonl', outcome: 'absent' },
        { name: 'shop.tgz.intoto.jsonl', outcome: 'absent' },
      ],
    },
  })
  const problem = only(decision)
  assert.match(
    problem.expected,
    new RegExp(`provenance of "shop-1.2.3.tgz" sha256:${sha256} by release-builder`),
  )
  assert.match(problem.found, /nothing in "shop\.tgz\.sigstore\.jsonl", "shop\.tgz\.intoto\.jsonl"/)
  assert.match(problem.fix, /`sallyport build`/)
})

test('the hop that does not hold is named', () => {
  const hop = (decision: Decision): string | undefined => decision.rules[0]?.hop
  assert.equal(hop(decideOn([builtRule], [])), 'artifact → provenance')
  assert.equal(
    hop(decideOn([builtRule], [signed(provenance({ sha256: 'ab'.repeat(32) }))])),
    'artifact → provenance',
  )
  assert.equal(
    hop(decideOn([builtRule], [signed(provenance({ ref: 'refs/heads/x' }))])),
    'provenance → source',
  )
  assert.equal(hop(decideOn(['allowed: {by: [release-managers]}'], [])), 'artifact → approval')
  assert.equal(hop(decideOn([builtRule], [good])), undefined)
})

test('a contradiction names both records and the first difference', () => {
  const other = signed(provenance({ uri: 'git+https://git.example/acme/other' }))
  const problem = only(decideOn([builtRule], [good, other]))
  assert.equal(problem.code, 'EVIDENCE_AMBIGUOUS')
  assert.match(problem.found, new RegExp(good.digest.slice(0, 12)))
  assert.match(problem.found, new RegExp(other.digest.slice(0, 12)))
  assert.match(problem.found, /acme\/other/)
  assert.match(problem.fix, /--bundle FILE/)
})

test('evidence of an unknown kind is kept and shown, and counts for nothing', () => {
  const type = 'https://example.com/great/v1'
  const statement: Statement = { ...provenance(), predicateType: type, predicate: {} }
  const open = trustOf({
    ...trustEntries,
    'release-builder': {
      ...(trustEntries['release-builder'] as object),
      predicateTypes: [type, predicateTypes.slsaProvenanceV1],
    },
  })
  const decision = decideOn([builtRule], [good, signed(statement)], { trust: open })
  assert.equal(decision.verdict, 'ALLOW')
  const shown = decision.evidence[1]
  assert.equal(shown?.verified, true)
  assert.equal(shown.predicateType, type)
  assert.equal(shown.problem?.code, 'EVIDENCE_KIND_UNKNOWN')
})

test('each rule has a verdict even when the first already denies', () => {
  const decision = decideOn(
    [builtRule, 'hermetic: {by: [release-builder]}', 'allowed: {by: [release-managers]}'],
    [],
  )
  assert.deepEqual(
    decision.rules.map(({ id, verdict }) => [id, verdict]),
    [
      ['require[0].built', 'MISSING'],
      ['require[1].hermetic', 'MISSING'],
      ['require[2].allowed', 'MISSING'],
    ],
  )
  // One thing that is missing for two rules is one reason.
  assert.deepEqual(codesOf(decision), ['PROVENANCE_MISSING', 'APPROVAL_MISSING'])
})

test('exit codes tell the four verdicts apart, and the effect decides', () => {
  const code = (verdict: Decision['verdict'], effect: Decision['effect']): number =>
    decisionExitCode({ ...decideOn([builtRule], [good]), verdict, effect })
  assert.equal(code('ALLOW', 'admitted'), 0)
  assert.equal(code('DENY', 'blocked'), 1)
  assert.equal(code('POLICY_ERROR', 'blocked'), 2)
  assert.equal(code('UNDETERMINED', 'blocked'), 3)
  assert.equal(code('DENY', 'admitted-audit'), 0)
  assert.equal(code('UNDETERMINED', 'admitted-unavailable'), 0)
})

test('the last valid moment is known, and one millisecond later the answer is another', () => {
  const rule = 'recent: {by: [release-builder], commit: 30d}'
  const first = decideOn([rule], [good])
  assert.equal(first.validUntil, '2026-06-19T00:00:00.000Z')
  const end = new Date(first.validUntil)
  assert.equal(decideOn([rule], [good], { now: new Date(end.getTime() - 1) }).verdict, 'ALLOW')
  const stale = decideOn([rule], [good], { now: end })
  assert.equal(stale.verdict, 'DENY')
  assert.equal(stale.rules[0]?.verdict, 'STALE')
  assert.equal(stale.validUntil, undefined)
})

test('a rule that stumbles is an error of the program: blocked, and not let through as an outage', () => {
  const policies = policiesOf(
    policyText([builtRule, 'allowed: {by: [release-managers]}'], 'whenUnavailable: allow'),
  )
  const [policy] = policies.policies
  assert.ok(policy !== undefined)
  const [broken, ...others] = policy.rules
  assert.ok(broken !== undefined)
  const stumbling = {
    ...broken,
    rule: {
      ...broken.rule,
      evaluate: () => {
        throw new Error('stumbled')
      },
    },
  }
  const decision = decide({
    request,
    evidence: evidenceOf(signed(approval(), keys.alice)),
    policies: { ...policies, policies: [{ ...policy, rules: [stumbling, ...others] }] },
    trust,
    now,
  })
  assert.equal(decision.verdict, 'UNDETERMINED')
  assert.equal(decision.effect, 'blocked')
  assert.deepEqual(codesOf(decision), ['RULE_FAILED'])
  assert.equal(decision.rules[1]?.verdict, 'PASS')
})

test('a policy without rules, made by hand, allows nothing', () => {
  const policies = policiesOf(policyText([builtRule]))
  const bare = {
    ...policies,
    policies: policies.policies.map((policy) => ({ ...policy, rules: [] })),
  }
  const decision = decideOn([builtRule], [good], { policies: bare })
  assert.equal(decision.verdict, 'DENY')
  assert.equal(decision.effect, 'blocked')
})

test('two policies for one target, put together by hand, decide nothing', () => {
  const policies = policiesOf(policyText([builtRule]))
  const twice = { ...policies, policies: [...policies.policies, ...policies.policies] }
  const decision = decideOn([builtRule], [good], { policies: twice })
  assert.equal(decision.verdict, 'POLICY_ERROR')
  assert.deepEqual(codesOf(decision), ['POLICY_AMBIGUOUS'])
})

test('a time that is none is a mistake of the caller', () => {
  assert.throws(() => decideOn([builtRule], [good], { now: new Date(Number.NaN) }), TypeError)
})

test('text that is no Unicode does not keep a decision from being recorded', () => {
  const decision = decideOn([builtRule], [{ ...good, source: 'a\ud800b' }], {
    request: {
      ...request,
      artifact: { ...request.artifact, name: 'x\udfff' },
      requester: '\ud800',
    },
  })
  assert.equal(decision.verdict, 'ALLOW')
  assert.doesNotThrow(() => encodeDecision(decision))
})

test('a bundle that was verified for one time is judged anew for another', () => {
  const dated = trustOf({
    'release-builder': {
      ...(trustEntries['release-builder'] as object),
      keys: [
        {
          publicKey: keys.builder.publicPem,
          validFrom: '2026-01-01T00:00:00Z',
          validUntil: '2026-07-01T00:00:00Z',
        },
      ],
    },
  })
  const verifier = createVerifier(dated)
  const rule = 'signed: {by: [release-builder]}'
  assert.equal(decideOn([rule], [good], { trust: dated, verifier }).verdict, 'ALLOW')
  const later = decideOn([rule], [good], {
    trust: dated,
    verifier,
    now: new Date('2026-07-01T00:00:00Z'),
  })
  assert.deepEqual(codesOf(later), ['KEY_EXPIRED'])
})

test('a thousand records about other things do not hide what is missing', () => {
  const bytes = bundleBytes(provenance({ sha256: 'ab'.repeat(32) }), keys.builder)
  const text = Buffer.from(bytes).toString()
  const items = Array.from({ length: 1000 }, (_, index) =>
    item(Buffer.from(text + ' '.repeat(index))),
  )
  const problem = only(decideOn([builtRule], items))
  assert.equal(problem.code, 'EVIDENCE_OTHER_ARTIFACT')
  assert.match(problem.found, /the nearest of 1000 records/)
})

test('a summary of a yes has what SLSA asks of one, and a no is a FAILED one', () => {
  const options = {
    resourceUri: 'pkg:npm/shop@1.2.3',
    policyUri: 'https://policies.example/production.yaml',
    verifierId: 'https://sallyport.example/gate',
  }
  const decision = decideOn([builtRule], [good])
  const statement = vsaOf(decision, options)
  assert.equal(statement.predicateType, 'https://slsa.dev/verification_summary/v1')
  assert.deepEqual(statement.subject, [{ name: 'shop-1.2.3.tgz', digest: { sha256 } }])
  assert.deepEqual(statement.predicate, {
    verifier: { id: options.verifierId, version: { sallyport: engine.version } },
    timeVerified: now.toISOString(),
    resourceUri: options.resourceUri,
    policy: { uri: options.policyUri, digest: { sha256: decision.policy?.digest } },
    inputAttestations: [{ digest: { sha256: good.digest } }],
    verificationResult: 'PASSED',
    verifiedLevels: ['SLSA_BUILD_LEVEL_1'],
    slsaVersion: '1.2',
  })
  assert.deepEqual(parseStatement(Buffer.from(JSON.stringify(statement))), statement)
  const denied = vsaOf(decideOn([builtRule], []), options).predicate
  assert.equal(denied['verificationResult'], 'FAILED')
  assert.deepEqual(denied['verifiedLevels'], ['FAILED'])
})

test('what was not decided cannot be summarised', () => {
  const options = { resourceUri: 'x', policyUri: 'x', verifierId: 'x' }
  const missing = decideOn([builtRule], [good], {
    request: { ...request, target: { environment: 'nowhere', service: 'shop' } },
  })
  assert.throws(() => vsaOf(missing, options), { code: 'SUMMARY_UNDECIDED' })
})

test('every rule tells the threat that it answers and what it cannot do', () => {
  for (const rule of rules.values()) {
    assert.match(rule.threat, /\.$/)
    assert.match(rule.cannot, /\.$/)
  }
})

test('anything that can be named by a digest can be deployed or refused (DEP-10)', () => {
  const kinds = [
    'registry.example/shop@sha256:abc',
    'shop-server',
    'firmware.bin',
    'migrations/0042.sql',
    'flags/checkout.json',
    'pkg:npm/shop@1.2.3',
  ]
  for (const name of kinds) {
    const asked = { ...request, artifact: { ...request.artifact, name } }
    const allowed = decideOn([builtRule], [good], { request: asked })
    assert.equal(allowed.verdict, 'ALLOW')
    assert.equal(allowed.request.artifact.name, name)
    assert.equal(decideOn([builtRule], [], { request: asked }).verdict, 'DENY')
  }
})

test('a flood of records is not read, and what is wrong with it is told as with one (PRV-18)', () => {
  const wrong = signed(provenance({ uri: 'git+https://git.example/acme/other' }))
  const one = decideOn([builtRule], [wrong])
  const flood = Array.from({ length: 500_000 }, () => wrong)
  const evidence = { ...evidenceOf(wrong), items: flood }
  const many = decideOn([builtRule], [], { evidence })
  assert.deepEqual(codesOf(one), ['SOURCE_MISMATCH'])
  assert.deepEqual(codesOf(many), ['SOURCE_MISMATCH', 'EVIDENCE_TOO_MUCH'])
  assert.equal(many.reasons[0]?.found, one.reasons[0]?.found)
  assert.equal(many.inputs.evidence.length, 8)
  assert.equal(many.inputs.evidenceLeftOut, 499_992)
  assert.match(
    many.reasons[1]?.fix ?? '',
    /^Pass only the record that is meant: `sallyport verify /,
  )
})

test('a flood never ends in a yes, not even where evidence may be unavailable', () => {
  const good = signed(provenance())
  const flood = Array.from({ length: 1025 }, () => good)
  const decision = decideOn([builtRule], flood, {
    policy: 'whenUnavailable: allow',
    evidence: { items: flood, sources: [{ name: 'registry', outcome: 'unavailable' }] },
  })
  assert.equal(decision.verdict, 'DENY')
  assert.equal(decision.effect, 'blocked')
  assert.ok(codesOf(decision).includes('EVIDENCE_TOO_MUCH'))
})

test('what was left out before counts as left out, so that a decision can be made again', () => {
  const good = signed(provenance())
  const flood = Array.from({ length: 2000 }, () => good)
  const first = decideOn([builtRule], flood)
  const { items, sources } = { items: flood.slice(0, 8), sources: evidenceOf(good).sources }
  const again = decideOn([builtRule], [], { evidence: { items, sources, leftOut: 1992 } })
  assert.deepEqual(again, first)
})

test('evidence about the commit is shown as what it is: verified, and reached through provenance', () => {
  const review = reviewed()
  const items = [signed(provenance()), review, reviewed(people.dave)]
  const decision = decideOn([builtRule, 'reviewed: {by: [reviewers]}'], items, {
    trust: trustOf(world),
  })
  assert.equal(decision.verdict, 'ALLOW')
  const shown = decision.evidence.find(({ digest }) => digest === review.digest)
  assert.equal(shown?.verified, true)
  assert.equal(shown.problem, undefined)
  // Where no rule asks about the commit, it is evidence about something else.
  const unasked = decideOn([builtRule], items, { trust: trustOf(world) })
  assert.equal(unasked.evidence.find(({ digest }) => digest === review.digest)?.verified, false)
})

test('what a platform names once and for all is an artifact, where the policy says so and nowhere else', () => {
  const subject = [{ name: 'vm', digest: { gce_image_id: '897009500530' } }]
  const evidence = evidenceOf(signed({ ...provenance(), subject }))
  const asked = { ...request, artifact: { name: 'vm', digest: { gce_image_id: '897009500530' } } }
  const saying = 'identifiedBy: [gce_image_id]'
  const decideWith = (policy: string, digest = asked.artifact.digest) =>
    decide({
      request: { ...asked, artifact: { name: 'vm', digest } },
      evidence,
      policies: policiesOf(policyText([builtRule], policy)),
      trust,
      now,
    })
  assert.equal(decideWith(saying).verdict, 'ALLOW')
  assert.deepEqual(codesOf(decideWith('')), ['REQUEST_INVALID'])
  assert.equal(decideWith(saying, { gce_image_id: '1' }).verdict, 'DENY')
  assert.deepEqual(codesOf(decideWith(saying, { gce_image_id: '' })), ['REQUEST_INVALID'])
})
