import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { decideOn } from '../core/decision/testing/fixtures.ts'
import { writeReports } from './gate-reports.ts'

const dir = mkdtempSync(join(tmpdir(), 'sallyport-reports-'))
after(() => rmSync(dir, { recursive: true, force: true }))

const evil =
  '`</details><script>x</script>`\n::set-output name=a::b\n# [x](https://evil.example) @team #1'
const decision = decideOn(['signed: {by: [release-builder]}'], [], {
  request: {
    artifact: { name: evil, digest: { sha256: 'a'.repeat(64) } },
    target: { environment: 'production', service: 'shop' },
    chokePoint: 'ci',
    requester: evil,
  },
})
const answers = [{ decision, record: { index: 3 } }]

test('a summary is added behind what is there, and text of others is text in it', async () => {
  const [summary, sarif] = [join(dir, 's.md'), join(dir, 's.sarif')]
  appendFileSync(summary, 'before\n')
  await writeReports(answers, { summary, sarif }, '1.0.0')
  const text = readFileSync(summary, 'utf8')
  assert.match(text, /^before\n### Sallyport\n\n\*\*denied\*\*/)
  assert.doesNotMatch(text, /^\s*(?:::|# \[)/m)
  // In a fenced block, or in a code span whose fence is longer than any in it.
  const outside = text.replace(/^(`{3,})text\n[\s\S]*?\n\1$/gm, '').replace(/(`+) .*? \1/g, '')
  assert.doesNotMatch(outside, /script|evil|@team/)
  assert.equal((JSON.parse(readFileSync(sarif, 'utf8')) as { version: string }).version, '2.1.0')
})

test('a summary of many answers stays within what platforms take', async () => {
  const summary = join(dir, 'many.md')
  const many = Array.from({ length: 32 }, () => answers[0]).filter((one) => one !== undefined)
  await writeReports(many, { summary, sarif: undefined }, '1.0.0')
  assert.ok(readFileSync(summary).length < 1_000_000)
})

test('a report that cannot be written is told before anything is deployed', async () => {
  const missing = join(dir, 'no/such/folder')
  for (const files of [
    { summary: missing, sarif: undefined },
    { summary: undefined, sarif: missing },
  ])
    await assert.rejects(writeReports(answers, files, '1.0.0'), { code: 'GATE_OUTPUT' })
})
