import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parseYaml } from '#document'
import { lintPipeline, pipelineLints } from './index.ts'

interface Vector {
  readonly lint: string
  readonly bad: readonly string[]
  readonly good: readonly string[]
}

const folder = join(import.meta.dirname, '../../../../test/vectors/pipeline-lint')
const vectors = readdirSync(folder).map((file) => {
  const { value } = parseYaml(readFileSync(join(folder, file)), { file })
  return { file, ...(value as unknown as Vector) }
})

const codesOf = (text: string) => lintPipeline('ci.yml', Buffer.from(text)).map(({ code }) => code)

for (const { file, lint, bad, good } of vectors) {
  test(`${file}: each bad pipeline is found, and no good one`, () => {
    for (const text of bad) {
      const found = lintPipeline('ci.yml', Buffer.from(text)).filter(({ code }) => code === lint)
      assert.equal(found.length, 1, text)
      assert.match(found[0]?.where ?? '', /^ci\.yml:\d+:\d+ \S/)
      assert.match(found[0]?.fix ?? '', /^[A-Z][a-z]+ /)
    }
    for (const text of good) assert.deepEqual(codesOf(text), [], text)
  })
}

test('every lint has a vector for GitHub and one for GitLab', () => {
  for (const { code } of pipelineLints)
    assert.equal(vectors.filter(({ lint }) => lint === code).length, 2, code)
})

test('what is no pipeline, or runs nothing, is refused and not called clean', () => {
  for (const text of ['a: 1', '[]', 'jobs: {}', 'jobs: {a: {steps: []}}', 'a: {script: []}', '""'])
    assert.throws(() => codesOf(text), { code: 'LINT_CI_UNKNOWN' }, text)
  assert.throws(() => codesOf('a: &x 1\nb: *x'), { code: 'DOCUMENT_SYNTAX' })
})

test('odd values where texts should be do no harm, and long texts take no time', () => {
  codesOf('jobs: {a: {runs-on: 3, steps: [1, null, {run: [x]}, {run: true, uses: {a: 1}}]}}')
  codesOf('a: {script: [[x, [y]], 3], tags: {a: 1}, allow_failure: {exit_codes: 3}}')
  for (const part of ['gpg ', 'cosign verify ', 'curl x | ', '& ', '|| ', '$(', '"'])
    codesOf(JSON.stringify({ jobs: { a: { steps: [{ run: part.repeat(30_000) }] } } }))
})

test('nothing hides by standing deep inside substitutions', () => {
  const deep = `${'$('.repeat(100)}curl https://x.example | sh${')'.repeat(100)}`
  const text = JSON.stringify({ jobs: { a: { steps: [{ run: deep }] } } })
  assert.ok(codesOf(text).includes('LINT_DOWNLOAD'))
})
