import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Decision } from '#decision'
import { openMetrics } from './metrics.ts'
import { watchReversals } from './reversals.ts'

type Parts = Partial<Pick<Decision, 'effect' | 'verdict' | 'policy'>> & {
  readonly sha256?: string
  readonly service?: string
  readonly codes?: readonly string[]
  readonly exempted?: readonly string[]
}

function decision(parts: Parts = {}): Decision {
  const { effect = 'admitted', verdict = 'ALLOW', sha256 = 'aa', service = 'shop' } = parts
  const policy = { name: 'p', file: 'f', digest: 'd', mode: 'enforce' } as const
  const exemption = { reason: 'r', owner: 'o', expires: 't', instead: 'MISSING' }
  return {
    effect,
    verdict,
    rules: [
      { id: 'require[0].built', rule: 'built', verdict: 'PASS' },
      ...(parts.exempted ?? []).map((rule) => ({ rule, verdict: 'EXEMPTED', exemption })),
    ],
    policy: parts.policy === undefined ? policy : parts.policy,
    request: {
      artifact: { name: 'shop', digest: { sha256 } },
      target: { environment: 'production', service },
      chokePoint: 'admission',
    },
    reasons: (parts.codes ?? []).map((code) => ({
      code,
      where: '',
      expected: '',
      found: '',
      fix: '',
    })),
  } as unknown as Decision
}

const refused = {
  effect: 'blocked',
  verdict: 'DENY',
  codes: ['APPROVAL_MISSING', 'APPROVAL_MISSING'],
} as const

test('decisions are counted by target and effect, and those that are no plain yes by code', async () => {
  const metrics = openMetrics()
  metrics.decision(decision(), 'admission')
  metrics.decision(decision({ ...refused, sha256: 'bb' }), 'admission')
  const text = await metrics.text()
  const target = 'environment="production",service="shop"'
  assert.match(
    text,
    new RegExp(
      `^sallyport_decisions_total\\{.*verdict="DENY",effect="blocked",${target}\\} 1$`,
      'm',
    ),
  )
  assert.match(
    text,
    new RegExp(
      `^sallyport_decision_reasons_total\\{code="APPROVAL_MISSING",effect="blocked",${target}\\} 1$`,
      'm',
    ),
  )
  assert.doesNotMatch(text, /decision_reasons_total\{.*effect="admitted"/)
})

test('whoever asks does not choose how many rows there are: a target that no policy names has no name', async () => {
  const metrics = openMetrics()
  for (let at = 0; at < 50; at += 1)
    metrics.decision(
      decision({ ...refused, verdict: 'POLICY_ERROR', policy: null, service: `s${at}` }),
      'api',
    )
  const rows = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('sallyport_decision'))
  assert.equal(rows.length, 2)
  assert.ok(rows.every((row) => row.includes('environment="",service=""') && row.endsWith(' 50')))
})

test('what was let in without a rule is counted by policy and rule; what was refused all the same is not', async () => {
  const metrics = openMetrics()
  metrics.decision(decision(), 'admission')
  metrics.decision(decision({ exempted: ['scanned'] }), 'admission')
  metrics.decision(decision({ exempted: ['scanned', 'sbom'] }), 'admission')
  metrics.decision(decision({ ...refused, exempted: ['scanned'] }), 'admission')
  const target = 'environment="production",service="shop"'
  const rows = (await metrics.text())
    .split('\n')
    .filter((line) => line.startsWith('sallyport_exempted_total'))
  assert.deepEqual(rows, [
    `sallyport_exempted_total{policy="p",rule="scanned",${target}} 2`,
    `sallyport_exempted_total{policy="p",rule="sbom",${target}} 1`,
  ])
})

test('what is refused although it was let in before is counted: after a bad push everything is', async () => {
  const metrics = openMetrics()
  metrics.decision(decision({ ...refused, sha256: 'never' }), 'admission')
  metrics.decision(decision(), 'admission')
  metrics.decision(decision(refused), 'admission')
  metrics.decision(decision({ ...refused, policy: null }), 'admission')
  metrics.decision(decision({ ...refused, service: 'other' }), 'admission')
  const text = await metrics.text()
  const row = 'sallyport_decisions_reversed_total{environment="production",service="shop"} 2'
  assert.ok(text.split('\n').includes(row), text)
})

test('what alerts count is there at 0 before it counts: what Prometheus sees first is no increase', async () => {
  const metrics = openMetrics()
  metrics.decision(decision(), 'admission')
  const zeros = async () =>
    (await metrics.text()).split('\n').filter((line) => /^sallyport_decisions_.* 0$/.test(line))
  const target = 'environment="production",service="shop"'
  const row = (rest: string) => `sallyport_decisions_total{choke_point="admission",${rest}} 0`
  assert.deepEqual(await zeros(), [
    row('verdict="POLICY_ERROR",effect="blocked",environment="",service=""'),
    row(`verdict="DENY",effect="blocked",${target}`),
    row(`verdict="UNDETERMINED",effect="blocked",${target}`),
    `sallyport_decisions_reversed_total{${target}} 0`,
  ])
  const policy = { name: 'p', file: 'f', digest: 'd', mode: 'audit' } as const
  metrics.decision(decision({ policy, service: 'till' }), 'admission')
  const inAudit = (await zeros()).filter((line) => line.includes('admitted-audit'))
  assert.equal(inAudit.length, 2)
})

test('so many are remembered and no more, the newest', () => {
  const reversals = watchReversals(2)
  for (const sha256 of ['a', 'b', 'a', 'c']) reversals.isReversal(decision({ sha256 }))
  const isOne = (sha256: string): boolean => reversals.isReversal(decision({ ...refused, sha256 }))
  assert.deepEqual([isOne('a'), isOne('b'), isOne('c')], [true, false, true])
})

test('refusals before there was anything to decide are counted by code', async () => {
  const metrics = openMetrics()
  const problem = { code: 'ADMISSION_TAG', where: '', expected: '', found: '', fix: '' } as never
  metrics.refusal([problem, problem], 'admission')
  assert.match(
    await metrics.text(),
    /^sallyport_refusals_total\{choke_point="admission",code="ADMISSION_TAG"\} 1$/m,
  )
})

test('how many answers took at most 100 ms can be read: the histogram has a bucket that ends there', async () => {
  const metrics = openMetrics()
  for (const seconds of [0.004, 0.0999, 0.1, 0.1001, 2])
    metrics.request({ route: '/admission/validate', status: 200, seconds })
  const text = await metrics.text()
  const at = (le: string) =>
    new RegExp(
      `^sallyport_request_seconds_bucket\\{le="${le}",route="/admission/validate",status="200"\\} (\\d+)$`,
      'm',
    ).exec(text)?.[1]
  assert.deepEqual([at('0.1'), at('\\+Inf')], ['3', '5'])
})

test('values with a label are read when somebody asks, and a counter is no sum of what was read before', async () => {
  const metrics = openMetrics()
  let value = 1
  const read = (): [string, number][] => [['siem', value]]
  metrics.readings('counter', { name: 'a_total', help: 'a', label: 'sink', read })
  metrics.readings('gauge', { name: 'b', help: 'b', read: () => [['', value]] })
  await metrics.text()
  value = 5
  const text = await metrics.text()
  assert.match(text, /^a_total\{sink="siem"\} 5$/m)
  assert.match(text, /^b 5$/m)
})
