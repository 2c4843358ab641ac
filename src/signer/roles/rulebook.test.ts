import assert from 'node:assert/strict'
import { test } from 'node:test'
import { approvalStatement, encodeStatement, type Statement } from '#attestation'
import { SallyportError } from '#error'
import { rulebookStatement } from '#trust'
import { rulebookRule } from './rulebook.ts'

const file = { kind: 'Trust', name: 'default', version: 3, sha256: 'a'.repeat(64) }
const good = rulebookStatement(file)

function codes(statement: Statement): readonly string[] {
  try {
    rulebookRule()(encodeStatement(statement))
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code)
  }
}

test('the key of a rulebook signs that a file is meant, and nothing else', () => {
  assert.deepEqual(codes(good), [])
  const approval = approvalStatement([{ name: 'app', digest: { sha256: file.sha256 } }], {
    environment: 'prod',
    reason: 'why',
    approvedOn: '2026-06-01T00:00:00Z',
  })
  assert.deepEqual(codes(approval), ['SIGNER_PREDICATE_TYPE'])
  const [subject] = good.subject
  assert.ok(subject !== undefined)
  for (const bad of [
    { ...good, predicate: { ...good.predicate, version: 0 } },
    { ...good, predicate: { ...good.predicate, more: 1 } },
    { ...good, subject: [subject, { ...subject, name: 'Trust/other' }] },
    { ...good, subject: [{ ...subject, name: 'DeploymentPolicy/default' }] },
  ]) {
    assert.deepEqual(codes(bad as Statement), ['SIGNER_STATEMENT'], JSON.stringify(bad))
  }
})
