import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lasting, timeIn } from './time.ts'

test('a time has a date, a time of day and a zone, and is one', () => {
  for (const [text, time] of [
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T00:00:00.5+02:00', '2025-12-31T22:00:00.500Z'],
    ['2026-01-01T00:00:00', undefined],
    ['2026-01-01', undefined],
    ['2026-13-01T00:00:00Z', undefined],
    ['2026-01-01T00:00:00+25:00', undefined],
    ['yesterday', undefined],
  ] as const) {
    assert.equal(timeIn(text)?.toISOString(), time, text)
  }
})

test('what began in the future lasts as long as it is away; what never began, for ever', () => {
  assert.deepEqual([lasting(10, 30), lasting(30, 10), lasting(-Infinity, 1)], [20, 20, Infinity])
})
