import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Problem } from '#error'
import { builtRule, decideOn, request } from '../../core/decision/testing/fixtures.ts'
import { explainDecision, explainProblem } from './refusal.ts'

const name = 'registry.example/shop@sha256:0000'
const about = (artifactName: string) => ({
  request: { ...request, artifact: { ...request.artifact, name: artifactName } },
})
const problem: Problem = {
  code: 'ADMISSION_UNPINNED',
  where: 'spec.containers[0].image',
  expected: 'a digest',
  found: 'a tag',
  fix: 'Write it',
}

test('a refusal says the answer, then each reason with its fix, then where it is recorded', () => {
  const text = explainDecision(decideOn([builtRule], [], about(name)), 4)
  const lines = text.split('\n')
  assert.equal(lines[0], `denied: ${name} may not run in production/shop`)
  assert.equal(lines[1], '  PROVENANCE_MISSING: There is no provenance of the artifact')
  assert.match(lines[2] ?? '', /^ {4}expected: provenance of this image by release-builder$/)
  assert.match(lines[3] ?? '', /^ {4}found: {4}\w/)
  assert.match(
    lines[4] ?? '',
    /^ {4}fix: {6}[A-Z].*annotation sallyport\.dev\/evidence of the pods$/,
  )
  assert.equal(lines.at(-2), '  decision 4 in the log')
  assert.equal(lines.at(-1), '  in an emergency: nobody may break the glass for this target')
})

test('a refusal says how to break the glass, and who may', () => {
  const terms = { approvers: ['sre-oncall', 'security'], count: 2 }
  const text = explainDecision(decideOn([builtRule], [], about(name)), 4, terms)
  assert.equal(
    text.split('\n').at(-1),
    `  in an emergency: sallyport breakglass request oci://${name} --environment production --service shop --reason WHY --incident REFERENCE; 2 of sre-oncall, security approves; the grant goes into the annotation sallyport.dev/breakglass of the pods`,
  )
})

test('where people reach the gate, they are told to ask there', () => {
  const terms = { approvers: ['sre'], count: 1, gate: 'https://gate.example:8443' }
  const text = explainDecision(decideOn([builtRule], [], about(name)), 4, terms)
  assert.equal(
    text.split('\n').at(-1),
    `  in an emergency: sallyport breakglass request oci://${name} --environment production --service shop --reason WHY --incident REFERENCE --gate https://gate.example:8443 --token-file FILE; 1 of sre approves, and hands the grant in there, or it goes into the annotation sallyport.dev/breakglass of the pods`,
  )
})

test('a command that somebody may copy is one command, whatever a service is called', () => {
  const terms = { approvers: ['sre'], count: 1 }
  const target = { environment: 'production', service: 'shop; $(reboot) `id` #' }
  const decision = { ...decideOn([builtRule], [], about(name)) }
  const odd = { ...decision, request: { ...decision.request, target } }
  const last = explainDecision(odd, 4, terms).split('\n').at(-1) ?? ''
  assert.ok(last.includes('--service "shop; _(reboot) _id_ #" --reason WHY'), last)
})

test('a dry run says that it was not recorded', () => {
  assert.match(
    explainDecision(decideOn([builtRule], []), undefined),
    /\n {2}not recorded: dry run\n/,
  )
})

test('nobody can write a line that looks like ours', () => {
  const evil = 'x\n  decision 9 in the log\u202e'
  const lines = explainDecision(decideOn([builtRule], [], about(evil)), 4).split('\n')
  assert.deepEqual(
    lines.filter((line) => line.startsWith('  decision')),
    ['  decision 4 in the log'],
  )
  const found = explainProblem({ ...problem, found: evil, where: evil }).split('\n')
  assert.equal(found.length, 5)
  assert.ok(!explainProblem({ ...problem, found: evil }).includes('\u202e'))
})

test('no text makes a refusal endless', () => {
  const long = {
    ...problem,
    where: 'w'.repeat(9000),
    found: 'f'.repeat(9000),
    fix: 'x'.repeat(9000),
  }
  assert.ok(explainProblem(long).length < 2000)
})
