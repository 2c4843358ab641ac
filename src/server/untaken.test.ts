import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { openUntaken, type UntakenLimits } from './untaken.ts'

/** Answers of ten bytes, in a time that passes when the test says so. */
function open(t: TestContext, limits: UntakenLimits) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 0
  const untaken = openUntaken(limits, () => now)
  const pass = (seconds: number): void => {
    now += seconds * 1000
    t.mock.timers.tick(seconds * 1000)
  }
  const answer = () => {
    let onClose = (): void => undefined
    const one = {
      left: 10,
      wholeAt: now,
      takenAt: now,
      closed: false,
      destroy() {
        one.closed = true
        onClose()
      },
      once: (_: 'close', listener: () => void) => (onClose = listener),
      take() {
        one.left -= 1
        one.takenAt = now
      },
    }
    untaken.add(one)
    return one
  }
  return { pass, answer }
}

const closed = (...answers: readonly { readonly closed: boolean }[]): readonly boolean[] =>
  answers.map((one) => one.closed)

test('who takes nothing for a while is cut off; who takes some of it now and then is not, however long it takes', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 1000 })
  const [slow, silent] = [answer(), answer()]
  for (let minute = 0; minute < 5; minute += 1) {
    pass(59)
    slow.take()
  }
  assert.deepEqual(closed(slow, silent), [false, true])
  pass(60)
  assert.deepEqual(closed(slow), [true])
})

test('beyond the bound who has taken nothing for longest is cut off, and no more of them than needed', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 30 })
  const first = answer()
  pass(2)
  const second = answer()
  pass(2)
  const third = answer()
  first.take()
  pass(2)
  const fourth = answer()
  assert.deepEqual(closed(first, second, third, fourth), [false, true, false, false])
})

test('who takes all the time is not cut off, however many others take nothing', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 30 })
  const steady = answer()
  for (let count = 0; count < 100; count += 1) {
    answer()
    pass(0.2)
    steady.left = 5
    steady.take()
  }
  assert.equal(steady.closed, false)
})

test('who takes some every ten seconds is not cut off, because more is seldom seen of who takes all the time', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 30 })
  const steady = answer()
  pass(2)
  for (let count = 0; count < 100; count += 1) {
    if (count % 20 === 0) steady.take()
    answer()
    pass(0.5)
  }
  assert.equal(steady.closed, false)
})

test('who has taken some and then takes nothing is cut off, too', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 30 })
  const first = answer()
  pass(2)
  first.take()
  pass(15)
  const later = [answer(), answer(), answer()]
  assert.deepEqual(closed(first, ...later), [true, false, false, false])
})

test('what is left is counted again only when there could be too much of it', (t) => {
  const { answer } = open(t, { seconds: 60, bytes: 1000 })
  const answers = Array.from({ length: 100 }, answer)
  let counted = 0
  for (const one of answers) {
    Object.defineProperty(one, 'left', {
      get: () => {
        counted += 1
        return 1
      },
    })
  }
  for (let count = 0; count < 50; count += 1) answer()
  assert.equal(counted, 100)
})

test('what is left is what is left now, not what was left when it was answered', (t) => {
  const { pass, answer } = open(t, { seconds: 60, bytes: 30 })
  const answers = [answer(), answer(), answer()]
  for (const one of answers) one.left = 2
  pass(2)
  answers.push(answer())
  assert.deepEqual(closed(...answers), [false, false, false, false])
})

test('all together are never more than twice the bound: the newest are cut off when all have just taken some', (t) => {
  const { answer } = open(t, { seconds: 60, bytes: 30 })
  const answers = Array.from({ length: 8 }, answer)
  assert.deepEqual(closed(...answers), [false, false, false, false, false, false, true, true])
})
