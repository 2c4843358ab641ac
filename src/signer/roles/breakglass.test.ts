import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  approvalStatement,
  breakglassStatement,
  encodeStatement,
  type Breakglass,
  type Statement,
} from '#attestation'
import { SallyportError } from '#error'
import { breakglassRule } from './breakglass.ts'

const subject = [{ name: 'app', digest: { sha256: 'a'.repeat(64) } }]
const grant: Breakglass = {
  requester: 'dave',
  approver: 'erin',
  environment: 'prod',
  rules: ['require[0].signed'],
  reason: 'down',
  incident: 'INC-1',
  notBefore: '2026-06-01T00:00:00Z',
  expires: '2026-06-08T00:00:00Z',
}

function codes(statement: Statement): readonly string[] {
  try {
    breakglassRule()(encodeStatement(statement))
    return []
  } catch (error) {
    assert.ok(error instanceof SallyportError)
    return error.problems.map(({ code }) => code)
  }
}

test('the key for breakglass signs grants, and nothing else', () => {
  const good = breakglassStatement(subject, grant)
  assert.deepEqual(codes(good), [])
  const approval = approvalStatement(subject, {
    environment: 'prod',
    reason: 'why',
    approvedOn: '2026-06-01T00:00:00Z',
  })
  assert.deepEqual(codes(approval), ['SIGNER_PREDICATE_TYPE'])
  const long = { ...grant, expires: '2026-06-08T00:00:01Z' }
  assert.deepEqual(codes(breakglassStatement(subject, long)), ['SIGNER_STATEMENT'])
  const self = { ...good, predicate: { ...good.predicate, requester: 'erin' } }
  assert.deepEqual(codes(self), ['SIGNER_STATEMENT'])
  const byName = [{ name: 'app', digest: { sha512: 'b'.repeat(128) } }]
  assert.deepEqual(codes(breakglassStatement(byName, grant)), ['SIGNER_SUBJECT'])
})
