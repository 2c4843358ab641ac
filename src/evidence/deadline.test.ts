import assert from 'node:assert/strict'
import { getEventListeners, once } from 'node:events'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { openDeadline } from './deadline.ts'

test('a deadline ends with its time', async () => {
  using deadline = openDeadline(10)
  await once(deadline.signal, 'abort')
})

test('what a deadline waits for does not count', async () => {
  using deadline = openDeadline(20)
  await deadline.pause(setTimeout(60))
  assert.ok(!deadline.signal.aborted)
  await once(deadline.signal, 'abort')
})

test('a deadline ends with that of whoever asks, also if that is over already', () => {
  const outer = new AbortController()
  using deadline = openDeadline(60_000, outer.signal)
  assert.ok(!deadline.signal.aborted)
  outer.abort()
  assert.ok(deadline.signal.aborted)
  using late = openDeadline(60_000, outer.signal)
  assert.ok(late.signal.aborted)
})

test('nothing is left of a deadline that was let go of', () => {
  const outer = new AbortController()
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  {
    using deadline = openDeadline(60_000, outer.signal)
    assert.equal(getEventListeners(outer.signal, 'abort').length, 1)
    assert.ok(!deadline.signal.aborted)
  }
  assert.equal(getEventListeners(outer.signal, 'abort').length, 0)
  const after = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  assert.equal(after, before)
})
