import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import { recordReview, reviewForm, type BreakglassReview, type Use } from './index.ts'

const use: Use = {
  entry: 4,
  lastEntry: 4,
  time: '2026-06-01T12:00:00Z',
  times: 1,
  artifact: { name: 'shop', sha256: 'b'.repeat(64) },
  environment: 'production',
  service: 'shop',
  requesters: ['dave', 'token:jo'],
  principals: ['token:jo', 'kubernetes:kim', 'os:runner'],
  approvers: ['erin'],
  reasons: ['outage'],
  incidents: ['INC-1'],
  wanted: [],
  verdict: 'DENY',
  until: '2026-06-01T13:00:00Z',
  grants: ['a'.repeat(64)],
  chokePoints: ['admission'],
}

const written = {
  apiVersion: 'sallyport.dev/v1',
  kind: 'BreakglassReview',
  time: '2026-06-01T14:00:00Z',
  entry: 4,
  by: 'grace',
  finding: 'justified',
} as const

/** What is told to who may not review; nothing when it was recorded, with what. */
async function refusal(review: Partial<BreakglassReview>, of: Use | undefined = use) {
  const entries: Uint8Array[] = []
  const append = (entry: Uint8Array) => {
    entries.push(entry)
    return Promise.resolve({ index: 5 } as never)
  }
  try {
    await recordReview({ append }, { ...written, ...review }, of)
  } catch (error) {
    assert.ok(error instanceof SallyportError && error.code === 'BREAKGLASS_REVIEW')
    assert.deepEqual(entries, [], 'nothing is recorded')
    return error.found
  }
  assert.deepEqual(
    entries.map((entry) => reviewForm.parse(entry)),
    [{ ...written, ...review }],
  )
  return undefined
}

test('nobody reviews what they asked for or approved, by any name or account that is theirs', async () => {
  for (const [by, principal, part] of [
    ['grace', 'os:dave', '"dave" has asked'],
    ['grace', 'os:runner', '"os:runner" has asked'],
    ['grace', 'os:KIM', '"kubernetes:kim" has asked'],
    ['grace', 'os:erin', '"erin" has approved'],
    ['dave', 'os:grace', '"dave" has asked'],
    ['token:jo', 'token:jo', '"token:jo" has asked'],
    ['token:erin', 'token:erin', '"erin" has approved'],
    ['oidc:https://issuer.example#erin', 'oidc:https://issuer.example#erin', '"erin" has approved'],
  ] as const)
    assert.equal(await refusal({ by, principal }), `one by "${by}" ("${principal}"); ${part}`)
  assert.equal(await refusal({ by: 'Erin ' }), 'one by "Erin "; "erin" has approved')
})

test('somebody else does, with or without a name that they have proven', async () => {
  assert.equal(await refusal({ principal: 'os:grace' }), undefined)
  assert.equal(await refusal({}), undefined)
})

test('a finding that says nothing is none', async () => {
  for (const finding of [' ', '-', '\u200b\u2800', '\n\n'])
    assert.match((await refusal({ finding })) ?? '', /^"/)
  assert.equal(await refusal({ finding: 'ok' }), undefined)
})

test('a review that is there says who has made it', async () => {
  const { by, finding, time } = written
  const review = { by, finding, time, principal: 'os:grace' }
  assert.equal(
    await refusal({ by: 'heidi', principal: 'os:heidi' }, { ...use, review }),
    'one that "grace" ("os:grace") has reviewed at 2026-06-01T14:00:00Z',
  )
})
