import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { beyond, openBudget, type Budget } from './budget.ts'

/** Somebody who takes piece after piece until there is no room, and gives them back when told. */
function open(budget: Budget) {
  const done = Promise.withResolvers<void>()
  const one: { taken: number; take: (bytes: number) => void; readonly end: () => void } = {
    taken: 0,
    take: () => undefined,
    end: () => done.resolve(),
  }
  const over = budget.share(async (take) => {
    one.take = (bytes) => {
      void Promise.resolve(take(bytes)).then(() => (one.taken += bytes))
    }
    await done.promise
  })
  return Object.assign(one, { over })
}

test('who finds room takes at once, and who is over gives it back', async () => {
  const budget = openBudget(10)
  assert.equal(await budget.share(async (take) => take(10)), undefined)
  await budget.share(async (take) => assert.equal(take(10), undefined))
  await assert.rejects(
    budget.share(async (take) => {
      await take(10)
      throw new TypeError('mine')
    }),
    { message: 'mine' },
  )
  await budget.share(async (take) => assert.equal(take(10), undefined))
})

test('where there is no room only one goes on, who waited longest; the others wait until somebody is over', async () => {
  const budget = openBudget(10)
  const [first, second, third] = [open(budget), open(budget), open(budget)]
  for (const one of [first, second, third]) one.take(3)
  second.take(5)
  third.take(5)
  first.take(5)
  await setImmediate()
  assert.deepEqual([first.taken, second.taken, third.taken], [3, 8, 3])
  second.take(100)
  await setImmediate()
  assert.deepEqual([first.taken, second.taken, third.taken], [3, 108, 3])
  second.end()
  await second.over
  await setImmediate()
  // 3 and 3 are held: of the two that wait for 5, one has to go on beyond the bound.
  assert.deepEqual([first.taken, third.taken], [3, 8])
  third.end()
  await third.over
  await setImmediate()
  assert.equal(first.taken, 8)
  first.end()
  await first.over
})

test('what is small takes nothing; what becomes large takes all of it', () => {
  const taken: number[] = []
  const take = beyond(10, (bytes) => void taken.push(bytes))
  for (const bytes of [4, 6, 3, 5]) void take(bytes)
  assert.deepEqual(taken, [13, 5])
})
