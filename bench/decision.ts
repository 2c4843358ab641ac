// Warm decisions: the evidence was verified before, every rule runs, the canonical record is made and hashed. Remembered ones: as a
// gate makes them that was asked the same before.
import { decide, DecisionMemory, encodeDecision, type Evidence } from '#decision'
import { sha256Hex } from '#document'
import { createVerifier, type Trust, type Verifier } from '#trust'
import type { PolicySet } from '#policy'
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
  trustOf,
} from '../src/core/decision/testing/fixtures.ts'
import {
  built,
  leftPad,
  listed,
  scannedOn,
  summary,
  testedAs,
  verifierId,
  world,
} from '../src/core/decision/testing/world.ts'
import { percentile, rawVerifications } from './machine.ts'
import { milliseconds, perSecond, print, type Row } from './report.ts'

/** A question that is asked again and again. */
interface Question {
  readonly evidence: Evidence
  readonly policies: PolicySet
  readonly trust: Trust
  readonly memory?: DecisionMemory
}

const five: Question = {
  trust,
  policies: policiesOf(
    policyText([
      builtRule,
      'signed: {by: [release-builder]}',
      'hermetic: {by: [release-builder], root: pinned, networkAttempts: none}',
      "recent: {by: [release-builder], commit: 90d, build: 90d, version: '>=1.0.0'}",
      'allowed: {by: [release-managers], environment: production}',
    ]),
  ),
  evidence: evidenceOf(
    signed(provenance()),
    signed(approval(), keys.alice),
    signed(approval('staging'), keys.bob),
  ),
}
const twelve: Question = {
  trust: trustOf(world),
  policies: policiesOf(
    policyText([
      builtRule,
      'signed: {by: [release-builder]}',
      'minimumLevel: {by: [release-builder, verifier], level: 1}',
      'hermetic: {by: [release-builder], root: pinned, networkAttempts: none}',
      "recent: {by: [release-builder], commit: 90d, build: 90d, version: '>=1.0.0'}",
      'minimumLevel: {by: [release-builder], level: 1}',
      'tested: {by: [ci], suites: [unit]}',
      'scanned: {by: [scanner], within: 7d, deny: {severity: high}}',
      'sbom: {by: [lister], licenses: {deny: [AGPL-3.0-only]}}',
      "sbom: {by: [lister], packages: {deny: ['pkg:npm/event-stream@3.3.6']}}",
      `verified: {by: [verifier], verifier: '${verifierId}', resource: 'pkg:npm/shop@1.2.3', levels: [SLSA_BUILD_LEVEL_2]}`,
      "dependencies: {by: [release-builder], allow: [{prefix: 'pkg:npm/'}, 'git+https://git.example/acme/shop']}",
    ]),
  ),
  evidence: evidenceOf(
    built,
    testedAs('PASSED'),
    scannedOn('2026-05-31T00:00:00Z'),
    listed([leftPad]),
    summary(),
  ),
}
/** More records for one digest than anybody reads: what can be taken is taken, and the number is kept. */
const flood: Question = {
  ...five,
  evidence: {
    ...five.evidence,
    items: Array.from({ length: 500_000 }, () => oneItem()),
  },
}

function oneItem(): Evidence['items'][number] {
  const [item] = five.evidence.items
  if (item === undefined) throw new TypeError('no evidence')
  return item
}

print('Decision: record encoded and hashed', [
  ...rowsOf('5 rules, 3 attestations', five),
  ...rowsOf('12 rules, 5 attestations', twelve),
  warmRow('5 rules, 500,000 records for one digest, warm', flood, 2000, 'as with one'),
])

function rowsOf(what: string, question: Question): readonly Row[] {
  const cold = measure(500, question, () => createVerifier(question.trust))
  return [
    warmRow(`${what}, warm (signatures remembered)`, question, 20_000, 'p99 <= 1 ms'),
    rememberedRow(`${what}, remembered`, question),
    {
      what: `${what}, cold (every signature verified)`,
      ours: cold.text,
      limit: `${question.evidence.items.length} raw verifications per decision`,
    },
  ]
}

function warmRow(what: string, question: Question, times: number, bar: string): Row {
  const verifier = createVerifier(question.trust)
  const limit = `raw P-256 verify ${perSecond(rawVerifications())}`
  return { what, ours: measure(times, question, () => verifier).text, limit, bar }
}

function rememberedRow(what: string, question: Question): Row {
  const verifier = createVerifier(question.trust)
  const memory = new DecisionMemory(question)
  const { text } = measure(20_000, { ...question, memory }, () => verifier)
  return { what, ours: text, limit: 'the record and its digest are part of it' }
}

function measure(times: number, question: Question, verifierOf: () => Verifier) {
  let verdict = ''
  const taken: number[] = []
  const run = (): void => {
    const started = performance.now()
    const decision = decide({ ...question, request, now, verifier: verifierOf() })
    sha256Hex(encodeDecision(decision))
    taken.push(performance.now() - started)
    ;({ verdict } = decision)
  }
  for (let index = 0; index < times / 10; index += 1) run()
  taken.length = 0
  for (let index = 0; index < times; index += 1) run()
  const [p50, p99] = [percentile(taken, 50), percentile(taken, 99)]
  return { text: `${verdict}, p50 ${milliseconds(p50)}, p99 ${milliseconds(p99)}` }
}
