import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { shareWork } from './shared-work.ts'

/** Work that ends when it is told to, or with its signal. */
function workOf() {
  const runs: { signal: AbortSignal; done: (result: string) => void }[] = []
  const work = (signal: AbortSignal): Promise<string> => {
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    signal.addEventListener('abort', () => reject(new Error('aborted')))
    runs.push({ signal, done: resolve })
    return promise
  }
  return { runs, work }
}

function open(maxMs: number) {
  const shared = shareWork<string, string>(maxMs)
  const join = (...asked: Parameters<typeof shared.join>) => shared.join(...asked)
  return { join, wait: (...asked: Parameters<typeof join>) => join(...asked).result }
}

const nobodyGoes = new AbortController().signal

test('work is done once for all who wait, and goes on without whoever began it', async () => {
  const { runs, work } = workOf()
  const shared = open(60_000)
  const gone = new AbortController()
  const first = shared.wait('a', gone.signal, work)
  const others = [1, 2].map(() => shared.wait('a', nobodyGoes, work))
  gone.abort()
  assert.equal(await first, 'gone')
  const stays = new AbortController().signal
  others.push(shared.wait('a', stays, work))
  const late = shared.wait('a', nobodyGoes, work)
  runs[0]?.done('whole')
  const all = [...others, late]
  assert.deepEqual(
    await Promise.all(all),
    all.map(() => 'whole'),
  )
  assert.deepEqual(getEventListeners(stays, 'abort'), [])
  assert.deepEqual(
    runs.map(({ signal }) => signal.aborted),
    [false],
  )
})

test('work ends with the last who waits, and the next begins anew', async () => {
  const { runs, work } = workOf()
  const shared = open(60_000)
  const clients = [new AbortController(), new AbortController()]
  const waits = clients.map(({ signal }) => shared.wait('a', signal, work))
  clients[1]?.abort()
  await waits[1]
  assert.equal(runs[0]?.signal.aborted, false)
  clients[0]?.abort()
  assert.deepEqual(await Promise.all(waits), ['gone', 'gone'])
  assert.equal(runs[0]?.signal.aborted, true)
  const next = shared.wait('a', nobodyGoes, work)
  runs[1]?.done('again')
  assert.equal(await next, 'again')
  const { early, result } = shared.join('a', AbortSignal.abort(), work)
  assert.deepEqual([await early, await result], [undefined, 'gone'])
  assert.equal(runs.length, 2)
})

test('work has its own time, and after that nobody joins it', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { runs, work } = workOf()
  const shared = open(1000)
  const waits = [1, 2].map(() => shared.wait('a', nobodyGoes, work))
  t.mock.timers.tick(999)
  assert.equal(runs[0]?.signal.aborted, false)
  t.mock.timers.tick(1)
  for (const wait of waits) await assert.rejects(wait, /aborted/)
  const ended = Promise.withResolvers<string>()
  const late = shared.wait('a', nobodyGoes, () => ended.promise)
  t.mock.timers.tick(1000)
  const next = shared.wait('a', nobodyGoes, work)
  ended.resolve('late')
  assert.equal(await late, 'late')
  // Nor does its end make anybody forget the next.
  const other = shared.wait('a', nobodyGoes, work)
  runs[1]?.done('anew')
  assert.deepEqual([await next, await other, runs.length], ['anew', 'anew', 2])
})

test('each key has its own work, and a failure is kept for nobody', async () => {
  const { runs, work } = workOf()
  const shared = open(60_000)
  const fails = (): Promise<string> => Promise.reject(new Error('no'))
  await assert.rejects(shared.wait('a', nobodyGoes, fails), /no/)
  const waits = ['a', 'b'].map((key) => shared.wait(key, nobodyGoes, work))
  runs[0]?.done('of a')
  runs[1]?.done('of b')
  assert.deepEqual(await Promise.all(waits), ['of a', 'of b'])
})

test('what work tells before its end is told to all, also to who comes later; some tell nothing', async () => {
  const shared = shareWork<string, string>(60_000)
  const done = Promise.withResolvers<string>()
  const work = (_: AbortSignal, tell: (early: string) => void): Promise<string> => {
    tell('begun')
    return done.promise
  }
  const all = [1, 2].map(() => shared.join('a', nobodyGoes, work))
  for (const { early } of all) assert.equal(await early, 'begun')
  done.resolve('whole')
  for (const { result } of all) assert.equal(await result, 'whole')
  const silent = shared.join('b', nobodyGoes, () => Promise.reject(new Error('no')))
  assert.equal(await silent.early, undefined)
})
