import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Recent } from './recent.ts'

test('what nobody asked for goes first', () => {
  const recent = new Recent<number>({ most: 3 })
  for (const [number, key] of ['a', 'b', 'c'].entries()) recent.set(key, number)
  assert.equal(recent.get('a'), 0)
  recent.set('d', 3)
  assert.deepEqual(
    ['a', 'b', 'c', 'd'].map((key) => recent.get(key)),
    [0, undefined, 2, 3],
  )
  // All were asked for: the oldest goes, and not the one that has just come.
  recent.set('e', 4)
  assert.deepEqual(
    ['c', 'a', 'd', 'e'].map((key) => recent.get(key)),
    [undefined, 0, 3, 4],
  )
})

test('what is put again takes the place of what was there', () => {
  const recent = new Recent<number>({ size: 10 })
  recent.set('a', 1, 6)
  recent.set('a', 2, 7)
  recent.set('b', 3, 3)
  assert.deepEqual([recent.get('a'), recent.get('b')], [2, 3])
})

test('what is larger than all together is not kept, and drives nobody out', () => {
  const recent = new Recent<number>({ size: 10 })
  recent.set('a', 1, 4)
  recent.set('b', 2, 11)
  assert.deepEqual([recent.get('a'), recent.get('b')], [1, undefined])
  const none = new Recent<number>({ most: 0 })
  none.set('a', 1)
  assert.equal(none.get('a'), undefined)
})

test('whatever is put and asked for, the bounds hold, and what is kept is what was put last', () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const step = fc.oneof(
    fc.record({ put: key, size: fc.nat(6) }),
    fc.record({ ask: key }),
    fc.record({ forget: key }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const recent = new Recent<number>({ most: 3, size: 10 })
      const put = new Map<string, { value: number; size: number }>()
      steps.forEach((one, value) => {
        if ('put' in one) {
          recent.set(one.put, value, one.size)
          put.set(one.put, { value, size: one.size })
          assert.equal(recent.get(one.put), value)
        } else if ('ask' in one) recent.get(one.ask)
        else {
          recent.delete(one.forget)
          put.delete(one.forget)
        }
        const kept = [...put].filter(([name]) => recent.get(name) !== undefined)
        for (const [name, { value: last }] of kept) assert.equal(recent.get(name), last)
        assert.ok(kept.length <= 3)
        assert.ok(kept.reduce((sum, [, { size }]) => sum + size, 0) <= 10)
      })
    }),
  )
})
