// A small run of the fuzzer, the same inputs each time, and every input that was a finding once. docs/fuzzing.md has the rest.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { examine } from './examine.ts'
import { regressions } from './findings.ts'
import { minimise } from './minimise.ts'
import { inputOf, run, type Found } from './run.ts'
import type { Target } from './target.ts'
import { targets } from './targets/index.ts'

const inputs = 20_000

for (const { file, target: name, input, message } of regressions()) {
  test(`${file} is no finding any more: ${message}`, async () => {
    const target = targets.find((one) => one.name === name)
    assert.ok(target, `no target is called ${name}`)
    const { outcome } = await examine(target, Buffer.from(input, 'base64'))
    assert.notEqual(outcome.kind, 'finding', JSON.stringify(outcome))
  })
}

test('no input makes a parser crash or a decision say yes', async () => {
  const found: string[] = []
  const tallies = await run({
    targets,
    runs: inputs,
    seed: 1,
    onFinding: ({ target, index, outcome }) => {
      // How long something takes is measured by `npm run fuzz`; it is no test on a machine that others use.
      if (outcome.what === 'exception') found.push(`${target.name} ${index}: ${outcome.message}`)
    },
  })
  assert.deepEqual(found, [])
  for (const { target, accepted, refused } of tallies) {
    assert.ok(accepted + refused > 0, target)
  }
})

test('changed evidence is sometimes still good, and mostly refused', async () => {
  const target = targets.find(({ name }) => name === 'decision.decide')
  assert.ok(target)
  const verdicts = new Map<string, number>()
  for (let index = 0; index < 300; index += 1) {
    const decision = target.run(inputOf(target, [], 3, index)) as { readonly verdict: string }
    verdicts.set(decision.verdict, (verdicts.get(decision.verdict) ?? 0) + 1)
  }
  // Without the yes, the oracle would never have been asked.
  assert.ok((verdicts.get('ALLOW') ?? 0) > 20, JSON.stringify([...verdicts]))
  assert.ok((verdicts.get('DENY') ?? 0) > 100, JSON.stringify([...verdicts]))
})

const broken: Target = {
  name: 'test.broken',
  covers: [],
  form: 'text',
  seeds: () => [Buffer.from('nothing is wrong with this text, nor with this')],
  run: (input) => {
    if (input.includes('\0')) throw new RangeError('NUL')
    throw new SallyportError({
      code: 'DOCUMENT_SYNTAX',
      where: 'test',
      expected: 'a NUL',
      found: 'none',
      fix: 'Go on',
    })
  },
}

test('an exception that is no Problem is found, and its input made small', async () => {
  const found: Found[] = []
  await run({ targets: [broken], runs: 3000, seed: 1, onFinding: (one) => found.push(one) })
  const [first] = found
  assert.ok(first)
  assert.match(first.outcome.message, /^RangeError: NUL/)
  assert.deepEqual(await minimise(first), Buffer.of(0))
})

test('the same seed makes the same inputs, another one makes others', () => {
  for (const target of targets.filter(({ make }) => make !== undefined).concat(broken)) {
    const made = (seed: number): string =>
      Array.from({ length: 20 }, (_, index) =>
        inputOf(target, target.seeds(), seed, index).toString('base64'),
      ).join(' ')
    assert.equal(made(1), made(1))
    assert.notEqual(made(1), made(2))
  }
})
