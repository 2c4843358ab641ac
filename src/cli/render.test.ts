import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decisionExitCode, type Decision } from '#decision'
import type { Problem } from '#error'
import { plain } from './paint.ts'
import { renderDecision } from './render-decision.ts'
import { renderProblem, uncapitalise, type Look } from './render.ts'

const look: Look = {
  paint: plain,
  invocation: {
    command: 'npx sallyport',
    options: [],
    paths: new Map(),
    cwd: '/w',
    home: '/w/.sallyport',
  },
}

const problem: Problem = {
  code: 'HOME_MISSING',
  where: '.sallyport',
  expected: 'a folder',
  found: 'nothing there',
  fix: 'Run `sallyport init`.',
}

test('a problem says what, where, wanted, found and what to do, with no capital and no full stop', () => {
  assert.equal(
    renderProblem(problem, look),
    [
      'error[HOME_MISSING]: there is no home folder',
      '  --> .sallyport',
      '  expected  a folder',
      '  found     nothing there',
      '  fix       run `npx sallyport init`',
    ].join('\n'),
  )
})

test("an attacker's text can neither draw on the terminal nor fake another problem", () => {
  const found = 'x\u001b[2J\nerror[FAKE]: all is well'
  const lines = renderProblem({ ...problem, where: 'a\nb', found }, look).split('\n')
  assert.ok(lines.includes('  --> a\\nb'))
  assert.ok(lines.includes('  found     x\\u001b[2J'))
  assert.ok(lines.includes('            error[FAKE]: all is well'))
})

test('words that are written with a capital keep it', () => {
  assert.equal(uncapitalise('The key'), 'the key')
  assert.equal(uncapitalise('A key'), 'a key')
  assert.equal(uncapitalise('SLSA level'), 'SLSA level')
  assert.equal(uncapitalise('GitHub'), 'GitHub')
})

const decision: Decision = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'Decision',
  time: '2026-01-01T00:00:00Z',
  engine: { name: 'sallyport', version: '0.1.0' },
  request: {
    artifact: { name: 'app\u001b.tgz', digest: { sha256: 'a'.repeat(64) } },
    target: { environment: 'production', service: 'shop' },
    chokePoint: 'test',
  },
  policy: null,
  inputs: { trust: { file: 'trust.yaml', digest: '' }, policies: [], evidence: [], sources: [] },
  evidence: [],
  rules: [
    {
      id: 'require[0].built',
      rule: 'built',
      verdict: 'PASS',
      problems: [],
      evidence: [],
      facts: [],
    },
    {
      id: 'require[1].allowed',
      rule: 'allowed',
      verdict: 'MISSING',
      problems: [problem],
      evidence: [],
      facts: [],
    },
  ],
  verdict: 'DENY',
  effect: 'blocked',
  reasons: [problem],
}

test('a refusal opens with the answer and closes with the count and the receipt', () => {
  const lines = renderDecision(decision, look, { index: 2 }).split('\n')
  assert.equal(lines[0], 'sallyport: denied: app\\u001b.tgz may not run in production/shop')
  assert.equal(
    lines.at(-1),
    '1 rule passed · 1 missing · decision 2 in the log (receipt: npx sallyport log receipt 2)',
  )
})

test('"no", "could not tell" and "nobody said" have their own words and exit codes', () => {
  const exits = (['DENY', 'POLICY_ERROR', 'UNDETERMINED'] as const).map((verdict) => {
    const [first = ''] = renderDecision({ ...decision, verdict }, look).split('\n')
    return `${decisionExitCode({ ...decision, verdict })} ${first.split(': ')[1]}`
  })
  assert.deepEqual(exits, ['1 denied', '2 policy error', '3 undetermined'])
})

test('what is let in although the evidence says no is said so, and exits 0', () => {
  const audit: Decision = { ...decision, effect: 'admitted-audit' }
  assert.equal(decisionExitCode(audit), 0)
  assert.match(renderDecision(audit, look), /^sallyport: allowed, audit only: .*and will not once/)
})

const exempted: Decision['rules'][number] = {
  id: 'require[2].scanned',
  rule: 'scanned',
  verdict: 'EXEMPTED',
  exemption: {
    reason: 'the scanner is down\u001b',
    owner: 'team-shop',
    expires: '2026-02-01T00:00:00Z',
    instead: 'MISSING',
  },
  problems: [],
  evidence: [],
  facts: [],
}

test('what is exempted is shown beside every answer: why, by whom, until when, and what it would be', () => {
  const line =
    'exempted  require[2].scanned  the scanner is down\\u001b (by team-shop, until 2026-02-01T00:00:00Z; otherwise missing)'
  const rules = [...decision.rules, exempted]
  const refused = renderDecision({ ...decision, rules }, look)
  assert.ok(refused.includes(line), refused)
  assert.ok(refused.includes('1 exempted'))
  const [built] = decision.rules
  assert.ok(built)
  const allowed = renderDecision(
    {
      ...decision,
      rules: [built, exempted],
      reasons: [],
      verdict: 'ALLOW',
      effect: 'admitted',
    },
    look,
  )
  assert.ok(allowed.includes(`  ${line}`), allowed)
  assert.ok(allowed.includes('  pass      require[0].built'), allowed)
})

test('an image is shown with its digest, its tag, and what each place said; nothing of it draws', () => {
  const places = [
    { name: 'a\u001b[2J', outcome: 'found' },
    { name: 'b', outcome: 'unavailable', detail: 'status 500\nfound  c' },
  ] as const
  const artifact = {
    kind: 'oci',
    name: 'registry.example/shop',
    digest: { sha256: 'b'.repeat(64) },
    tag: '1.0',
  } as const
  const text = renderDecision(decision, look, { index: 1, subject: { artifact, places } })
  for (const line of [
    `  artifact     sha256:${'b'.repeat(64)}`,
    '  tag          1.0, resolved once: it may lead elsewhere later',
    '  found        a\\u001b[2J',
    '  unavailable  b: status 500\\nfound  c',
  ])
    assert.ok(text.split('\n').includes(line), text)
  const file = { kind: 'file', name: 'a', digest: { sha256: 'b'.repeat(64) } } as const
  const plainly = renderDecision(decision, look, {
    index: 1,
    subject: { artifact: file, places: [] },
  })
  assert.doesNotMatch(plainly, /artifact {5}sha256/)
})
