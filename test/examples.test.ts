import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { checkRulebook, parsePolicies, rules } from '#policy'
import { parseTrust } from '#trust'

const examples = join(import.meta.dirname, '../examples')
const read = (file: string) => ({ file, bytes: readFileSync(join(examples, file)) })
const policies = readdirSync(join(examples, 'policies')).map((file) => read(`policies/${file}`))
const now = new Date('2026-11-01T00:00:00Z')

test('the example policies, meta-policy, targets and trust file have no finding', () => {
  const { file, bytes } = read('trust.yaml')
  const report = checkRulebook({
    policies,
    trust: parseTrust(bytes, { file }),
    targets: read('targets.txt'),
    now,
  })
  assert.deepEqual(report, {
    findings: [],
    files: 3,
    policies: 2,
    metaPolicies: 1,
    targets: 2,
    linted: true,
  })
})

test('there is an example of every rule', () => {
  const used = parsePolicies(policies).policies.flatMap((policy) => policy.rules)
  assert.deepEqual(new Set(used.map(({ rule }) => rule.name)), new Set(rules.keys()))
})
