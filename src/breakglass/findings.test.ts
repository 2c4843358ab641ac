import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ratesOf, useFindings, type FollowUpRules, type Use } from './index.ts'
import { followUps } from './follow-up.ts'

const rules: FollowUpRules = {
  reviewMs: 86_400_000,
  maxPerDay: 2,
  maxPerDayIn: { staging: 3 },
  origin: 'log.example',
}

function used(environment: string, time: string, more: Partial<Use> = {}): Use {
  return {
    entry: 0,
    lastEntry: 0,
    time,
    times: 1,
    artifact: { name: 'shop', sha256: 'b'.repeat(64) },
    environment,
    service: 'shop',
    requesters: ['dave'],
    principals: [],
    approvers: ['erin'],
    reasons: [],
    incidents: [],
    wanted: [],
    verdict: 'DENY',
    until: time,
    grants: ['a'.repeat(64)],
    chokePoints: ['admission'],
    ...more,
  }
}

const times = (environment: string, count: number): readonly Use[] =>
  Array.from({ length: count }, (_, entry) => used(environment, '2026-06-01T12:00:00Z', { entry }))
const now = new Date('2026-06-01T13:00:00Z')
const told = (uses: readonly Use[], at = now) =>
  useFindings(uses, rules, at).map(({ code, where, found }) => `${code} ${where}: ${found}`)
const rung = (uses: readonly Use[]) => followUps(uses, rules, now).map(({ summary }) => summary)

test('as many as are allowed are no finding; one more is, and rings', () => {
  for (const [environment, limit] of [
    ['production', 2],
    ['staging', 3],
    // A name that every object has.
    ['constructor', 2],
  ] as const) {
    assert.deepEqual([told(times(environment, limit)), rung(times(environment, limit))], [[], []])
    const uses = times(environment, limit + 1)
    assert.deepEqual(told(uses), [`BREAKGLASS_TOO_FREQUENT "${environment}": ${limit + 1}`])
    assert.deepEqual(rung(uses), [
      `BREAKGLASS ${limit + 1} times within a day in ${environment}, more than ${limit}: entry ${limit}`,
    ])
  }
})

test('environments are counted for themselves, over one day, and each is told with its limit', () => {
  const uses = [...times('staging', 3), ...times('production', 2)]
  const early = used('production', '2026-05-31T13:00:00Z', { entry: 9 })
  assert.deepEqual(ratesOf([...uses, early], rules, now), [
    { environment: 'production', lastDay: 2, limit: 2 },
    { environment: 'staging', lastDay: 3, limit: 3 },
  ])
  assert.deepEqual(told(uses), [])
  assert.deepEqual(ratesOf([early], rules, now), [
    { environment: 'production', lastDay: 0, limit: 2 },
  ])
})

test('a use that nobody has reviewed in time is a finding until somebody has', () => {
  const use = used('production', '2026-05-31T12:00:00Z', { entry: 7 })
  const review = { by: 'grace', finding: 'justified', time: '2026-06-01T12:00:00Z' }
  assert.deepEqual(told([use], new Date('2026-06-01T11:59:59Z')), [])
  assert.deepEqual(told([use]), [
    'BREAKGLASS_OVERDUE entry 7: none of the use at 2026-05-31T12:00:00Z in production/shop',
  ])
  assert.deepEqual(told([{ ...use, review }]), [])
})

test('each use that is overdue rings for itself, also where a log that was lost begins anew with the same places', () => {
  const idOf = (time: string, at = now) =>
    followUps([used('production', time)], rules, at).map(({ id }) => id)
  const first = idOf('2026-05-31T12:00:00Z')
  assert.deepEqual(first, idOf('2026-05-31T12:00:00Z', new Date('2026-06-01T14:00:00Z')))
  assert.notDeepEqual(first, idOf('2026-05-31T12:00:01Z'))
  assert.notDeepEqual(first, idOf('2026-05-31T12:00:00Z', new Date('2026-06-02T13:00:00Z')))
})

test('what came into the log later than it was counts when it was', () => {
  const at = (hour: string, entry: number) =>
    used('production', `2026-06-01T${hour}:00:00Z`, { entry })
  const inOrder = rung([at('09', 1), at('10', 2), at('11', 3)])
  assert.deepEqual(inOrder, ['BREAKGLASS 3 times within a day in production, more than 2: entry 3'])
  assert.deepEqual(rung([at('10', 1), at('11', 2), at('09', 3)]), [
    'BREAKGLASS 3 times within a day in production, more than 2: entry 2',
  ])
  const review = { by: 'grace', finding: 'justified', time: '2026-06-01T12:00:00Z' }
  const longAgo = used('production', '2026-05-31T11:00:00Z', { entry: 0, review })
  assert.deepEqual(rung([longAgo, at('11', 1), at('12', 2)]), [])
})
