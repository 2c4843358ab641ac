import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openBodyMemory } from './body-memory.ts'

const busy = { code: 'SERVER_BUSY' } as const

/** Memory for 100 bytes, in which bodies are known by a letter. */
function open() {
  const time = { now: 0 }
  const memory = openBodyMemory(100, () => time.now)
  const owners = new Map<string, object>()
  const cut: string[] = []
  const ownerOf = (name: string): object => {
    const owner = owners.get(name) ?? {}
    owners.set(name, owner)
    return owner
  }
  return {
    time,
    cut,
    hold: (name: string, bytes: number) =>
      memory.hold(ownerOf(name), bytes, ({ code }) => cut.push(`${name} ${code}`)),
    release: (name: string) => memory.release(ownerOf(name)),
  }
}

test('no more give way than there has to be room', () => {
  const { time, cut, hold } = open()
  hold('a', 40)
  hold('b', 40)
  time.now = 1000
  hold('c', 60)
  assert.deepEqual(cut, ['a SERVER_BUSY'])
  assert.throws(() => hold('d', 61), busy)
  assert.deepEqual(cut, ['a SERVER_BUSY', 'b SERVER_BUSY'])
})

test('a body is as old as its first byte, however it goes on', () => {
  const { time, cut, hold } = open()
  hold('a', 20)
  time.now = 999
  hold('a', 20)
  assert.throws(() => hold('b', 61), busy)
  time.now = 1000
  hold('b', 61)
  assert.deepEqual(cut, ['a SERVER_BUSY'])
})

test('who is gone has given all of it back, and is not told to give way', () => {
  const { time, cut, hold, release } = open()
  hold('a', 30)
  hold('a', 30)
  release('a')
  release('a')
  time.now = 5000
  hold('b', 100)
  assert.throws(() => hold('c', 1), busy)
  release('b')
  hold('c', 100)
  assert.deepEqual(cut, [])
})
