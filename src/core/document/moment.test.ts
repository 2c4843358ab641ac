import assert from 'node:assert/strict'
import test from 'node:test'
import { isAtOrAfter, isBefore, Moment } from './moment.ts'

const noon = Date.parse('2026-06-01T12:00:00Z')

test('a moment that nobody asked lasts for ever', () => {
  assert.equal(new Moment(noon).until, Infinity)
})

test('a moment lasts until the first of the times that it was found to be before', () => {
  const now = new Moment(noon)
  assert.equal(isBefore(now, noon + 20), true)
  assert.equal(isBefore(now, new Date(noon + 10)), true)
  assert.equal(isAtOrAfter(now, noon + 30), false)
  assert.equal(now.until, noon + 10)
})

test('what has come stays so', () => {
  const now = new Moment(noon)
  assert.equal(isBefore(now, noon), false)
  assert.equal(isAtOrAfter(now, noon), true)
  assert.equal(isAtOrAfter(now, new Date(noon - 1)), true)
  assert.equal(now.until, Infinity)
})

test('a time that is none comes neither before nor after', () => {
  for (const now of [new Moment(noon), new Date(noon)]) {
    assert.equal(isBefore(now, NaN), false)
    assert.equal(isAtOrAfter(now, new Date(NaN)), false)
  }
  assert.equal(new Moment(NaN).precedes(noon), false)
})

test('whoever reads a moment has seen this millisecond', () => {
  const ways: readonly ((now: Moment) => unknown)[] = [
    (now) => now.getTime(),
    (now) => now.valueOf(),
    (now) => now.toISOString(),
    (now) => JSON.stringify({ now }),
    (now) => String(now),
    (now) => Number(now),
    (now) => now < new Date(noon + 10),
    (now) => Math.max(0, Number(now)),
    (now) => now.getUTCHours(),
    (now) => new Date(now),
    (now) => new Date(Math.max(Number(now), noon - 1)),
    (now) => now.toLocaleString('en'),
    (now) => new Intl.DateTimeFormat('en').format(now),
  ]
  for (const way of ways) {
    const now = new Moment(noon)
    way(now)
    assert.equal(now.until, noon, String(way))
    isBefore(now, noon + 10)
    assert.equal(now.until, noon)
  }
})

test('a moment reads as the date that it is', () => {
  const now = new Moment(noon)
  assert.equal(now.toISOString(), '2026-06-01T12:00:00.000Z')
  assert.equal(Number(now), noon)
  assert.ok(now instanceof Date)
})

test('nobody looks past the methods of a moment', () => {
  const now = new Moment(noon)
  assert.throws(() => Date.prototype.getTime.call(now), TypeError)
  assert.throws(() => structuredClone(now).getTime(), TypeError)
  assert.equal(new Date(now).getTime(), noon)
})

test('there is no method of Date by which a moment could be read unnoticed', () => {
  const methods = Reflect.ownKeys(Date.prototype).filter((name) => name !== 'constructor')
  for (const name of methods) {
    assert.notEqual(Reflect.get(Moment.prototype, name), Reflect.get(Date.prototype, name))
    const now = new Moment(noon)
    try {
      Reflect.apply(Reflect.get(now, name) as (value: string) => unknown, now, ['number'])
    } catch {
      // Not all of them can be called like that.
    }
    assert.equal(now.until, noon, String(name))
  }
})
