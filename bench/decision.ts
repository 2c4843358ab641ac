// Warm decisions: the evidence was verified before, every rule runs, the canonical record is made and hashed.
import { encodeDecision, decide } from '#decision'
import { sha256Hex } from '#document'
import { createVerifier } from '#trust'
import {
  approval,
  builtRule,
  evidenceOf,
  keys,
  now,
  policiesOf,
  policyText,
  provenance,
  request,
  signed,
  trust,
} from '../src/core/decision/testing/fixtures.ts'
import { percentile, rawVerifications } from './machine.ts'
import { milliseconds, perSecond, print } from './report.ts'

const policies = policiesOf(
  policyText([
    builtRule,
    'signed: {by: [release-builder]}',
    'hermetic: {by: [release-builder], root: pinned, networkAttempts: none}',
    "recent: {by: [release-builder], commit: 90d, build: 90d, version: '>=1.0.0'}",
    'allowed: {by: [release-managers], environment: production}',
  ]),
)
const evidence = evidenceOf(
  signed(provenance()),
  signed(approval(), keys.alice),
  signed(approval('staging'), keys.bob),
)
const verifier = createVerifier(trust)

const warm = measure(20_000, () => decide({ request, evidence, policies, trust, now, verifier }))
const wrong = signed(provenance({ uri: 'git+https://git.example/acme/other' }))
const floods = [1, 500_000].map((count) => {
  const records = evidenceOf(wrong)
  const items = Array.from({ length: count }, () => wrong)
  return measure(2_000, () =>
    decide({ request, evidence: { ...records, items }, policies, trust, now, verifier }),
  )
})
const cold = measure(500, () =>
  decide({ request, evidence, policies, trust, now, verifier: createVerifier(trust) }),
)

print(`Decision: 5 rules, 3 attestations, record encoded and hashed (verdict ${warm.verdict})`, [
  {
    what: 'warm (signatures remembered)',
    ours: `${perSecond(warm.perSecond)}, p50 ${milliseconds(warm.p50)}, p99 ${milliseconds(warm.p99)}`,
    limit: `raw P-256 verify ${perSecond(rawVerifications())}`,
    bar: 'p99 <= 1 ms',
  },
  {
    what: 'cold (every signature verified)',
    ours: `${perSecond(cold.perSecond)}, p50 ${milliseconds(cold.p50)}, p99 ${milliseconds(cold.p99)}`,
    limit: '3 raw verifications per decision',
  },
])

const [one, flood] = floods
if (one !== undefined && flood !== undefined) {
  print('Decision: records about one digest, all from the wrong source', [
    {
      what: `1 record (${one.verdict})`,
      ours: `p50 ${milliseconds(one.p50)}, p99 ${milliseconds(one.p99)}`,
      limit: 'one record is opened',
    },
    {
      what: `500,000 records (${flood.verdict})`,
      ours: `p50 ${milliseconds(flood.p50)}, p99 ${milliseconds(flood.p99)}`,
      limit: 'eight records are opened',
      bar: 'as 1 record',
    },
  ])
}

function measure(times: number, once: () => ReturnType<typeof decide>) {
  let verdict = ''
  const taken: number[] = []
  const run = (): void => {
    const started = performance.now()
    const decision = once()
    sha256Hex(encodeDecision(decision))
    taken.push(performance.now() - started)
    ;({ verdict } = decision)
  }
  for (let index = 0; index < times / 10; index += 1) run()
  taken.length = 0
  const started = performance.now()
  for (let index = 0; index < times; index += 1) run()
  const rate = (times * 1000) / (performance.now() - started)
  return { verdict, perSecond: rate, p50: percentile(taken, 50), p99: percentile(taken, 99) }
}
