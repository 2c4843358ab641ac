import assert from 'node:assert/strict'
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
  type Join = Parameters<(typeof shared)['join']>
  return { wait: (...asked: Join) => shared.join(...asked).result }
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
  const late = shared.wait('a', nobodyGoes, work)
  runs[0]?.done('whole')
  assert.deepEqual(await Promise.all([...others, late]), ['whole', 'whole', 'whole'])
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
  assert.equal(await shared.wait('a', AbortSignal.abort(), work), 'gone')
  assert.equal(runs.length, 2)
})

test('work has its own time, and after that nobody joins it', async () => {
  const { runs, work } = workOf()
  const shared = open(10)
  const waits = [1, 2].map(() => shared.wait('a', nobodyGoes, work))
  for (const wait of waits) await assert.rejects(wait, /aborted/)
  const next = Promise.withResolvers<string>()
  const deaf = (signal: AbortSignal): Promise<string> => {
    const ended = Promise.withResolvers<string>()
    signal.addEventListener('abort', () => {
      next.resolve(shared.wait('a', nobodyGoes, work))
      setImmediate(() => ended.resolve('late'))
    })
    return ended.promise
  }
  assert.equal(await shared.wait('a', nobodyGoes, deaf), 'late')
  runs[1]?.done('anew')
  assert.equal(await next.promise, 'anew')
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
