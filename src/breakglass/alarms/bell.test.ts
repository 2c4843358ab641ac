import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Sink } from '#events'
import { openBell } from './bell.ts'
import { makeEvent, type SecurityEvent } from './event.ts'
import { openOutbox } from './outbox.ts'

const began = Date.parse('2026-06-01T12:00:00Z')

/** A sink that hears, or does not, as it is told; and the clock that everybody looks at. */
function scene(names: readonly string[], way?: string) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bell-'))
  const heard: string[] = []
  const words: string[] = []
  const deaf = new Set<string>()
  const listening: (() => void)[] = []
  let now = began
  const sinks = names.map((name): Sink => ({
    name,
    ...(way === undefined ? {} : { way }),
    most: 1,
    send: (messages) => {
      if (deaf.has(name)) return Promise.reject(new Error('nobody answers'))
      heard.push(...messages.map((one) => `${name} ${one.name}`))
      words.push(...messages.map(({ summary }) => summary))
      for (const tell of listening) tell()
      return Promise.resolve()
    },
  }))
  const sink = (name: string): Sink => {
    const found = sinks.find((one) => one.name === name)
    assert.ok(found !== undefined)
    return found
  }
  const hears = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => void (heard.length >= count && resolve())
      listening.push(look)
      look()
    })
  const clock = (): Date => new Date(now)
  const open = (with_ = sinks) =>
    openBell({ outbox: openOutbox(folder), sinks: with_, origin: 'log.example', clock })
  const pass = (ms: number): void => void (now += ms)
  const remove = (): void => rmSync(folder, { recursive: true })
  return { folder, heard, words, deaf, sink, hears, open, pass, [Symbol.dispose]: remove }
}

const use = (key: string): SecurityEvent =>
  makeEvent(key, {
    time: new Date(began).toISOString(),
    type: 'breakglass-used',
    severity: 'critical',
    origin: 'log.example',
    summary: `BREAKGLASS ${key}`,
  })

test('an alarm is on disk before it has been heard, and every sink hears it once', async () => {
  using place = scene(['pager', 'mail'])
  await place.open().ring([use('1')])
  assert.equal(readdirSync(join(place.folder, 'pending')).length, 2)
  // Another process: the one that rang may have died.
  const bell = place.open()
  await bell.deliver()
  await bell.deliver()
  assert.deepEqual(place.heard.sort(), ['mail breakglass-used', 'pager breakglass-used'])
  assert.deepEqual(await bell.pending(), [])
  await bell.ring([use('1')])
  await bell.deliver()
  assert.equal(place.heard.length, 2)
  assert.deepEqual(
    (await bell.events()).map(({ summary }) => summary),
    ['BREAKGLASS 1'],
  )
})

test('what cannot be read among the alarms that wait is told as that, and keeps nobody from hearing the others', async () => {
  using place = scene(['pager'])
  const bell = place.open()
  await bell.ring([use('1')])
  const waiting = join(place.folder, 'pending')
  mkdirSync(join(waiting, 'folder.json'))
  writeFileSync(join(waiting, 'half.json'), '{"event":')
  await bell.deliver()
  assert.deepEqual(place.heard, ['pager breakglass-used'])
  const { pending, unreadable } = await bell.waiting()
  assert.deepEqual(
    [pending, unreadable.map(({ code, where }) => [code, where])],
    [
      [],
      [
        ['FILE_UNREADABLE', join(waiting, 'folder.json')],
        ['FILE_UNREADABLE', join(waiting, 'half.json')],
      ],
    ],
  )
})

test('a sink that is down is tried again, later and later, and hears it when it is back', async () => {
  using place = scene(['pager'])
  place.deaf.add('pager')
  const bell = place.open()
  await bell.ring([use('1')])
  await bell.deliver()
  const [first] = await bell.pending()
  assert.deepEqual([first?.attempts, first?.failure], [1, 'nobody answers'])
  await bell.deliver()
  assert.equal((await bell.pending())[0]?.attempts, 1, 'not before its time')
  for (const expected of [2, 3, 4]) {
    place.pass(60_000)
    await bell.deliver()
    assert.equal((await bell.pending())[0]?.attempts, expected)
  }
  place.deaf.clear()
  await bell.deliver({ all: true })
  assert.deepEqual([place.heard, await bell.pending()], [['pager breakglass-used'], []])
})

test('an alarm that one sink does not take for five minutes rings at the others, once', async () => {
  using place = scene(['pager', 'mail'])
  place.deaf.add('pager')
  const bell = place.open()
  await bell.ring([use('1')])
  await bell.deliver()
  assert.deepEqual(place.heard, ['mail breakglass-used'])
  for (const _ of [1, 2, 3]) {
    place.pass(6 * 60_000)
    await bell.deliver()
  }
  assert.deepEqual(place.heard, ['mail breakglass-used', 'mail alarm-undelivered'])
})

test('where several share a way that is away, each of them hears once that it was', async () => {
  using place = scene(['erin', 'frank', 'grace'], 'smtp mail.example')
  const bell = place.open()
  for (const name of ['erin', 'frank', 'grace']) place.deaf.add(name)
  await bell.ring([use('1')])
  for (let minute = 0; minute < 10; minute += 1) {
    await bell.deliver({ all: true })
    place.pass(60_000)
  }
  place.deaf.clear()
  await bell.deliver({ all: true })
  await bell.deliver({ all: true })
  assert.equal(place.heard.filter((one) => one.endsWith('breakglass-used')).length, 3)
  // All but the one whose silence was noticed first.
  assert.equal(place.heard.filter((one) => one.endsWith('alarm-undelivered')).length, 2)
  assert.deepEqual(await bell.pending(), [])
})

test('a clock that was set back keeps no alarm waiting, and one that is not heard rings elsewhere', async () => {
  using place = scene(['pager', 'mail'])
  place.deaf.add('pager')
  const bell = place.open()
  await bell.ring([use('1')])
  await bell.deliver()
  place.pass(-86_400_000)
  const attempts = async (): Promise<number | undefined> =>
    (await bell.pending()).find(({ sink }) => sink === 'pager')?.attempts
  await bell.deliver()
  assert.equal(await attempts(), 2)
  await bell.deliver()
  assert.equal(await attempts(), 2, 'not before its new time')
  assert.deepEqual(place.heard, ['mail breakglass-used', 'mail alarm-undelivered'])
  place.deaf.clear()
  place.pass(60_000)
  await bell.deliver()
  assert.equal(place.heard[2], 'pager breakglass-used')
})

test('without anybody to tell an alarm waits, visibly, until there is somebody', async () => {
  using place = scene(['pager'])
  const nobody = place.open([])
  await nobody.ring([use('1')])
  await nobody.deliver()
  assert.deepEqual(
    (await nobody.pending()).map(({ sink }) => sink),
    [''],
  )
  await place.open().deliver()
  assert.deepEqual(place.heard, ['pager breakglass-used'])
  assert.deepEqual(await nobody.pending(), [])
})

test('a sink that hangs holds up no other one, whoever rings meanwhile', async () => {
  using place = scene(['pager'])
  const { promise: hung, resolve: letGo } = Promise.withResolvers<undefined>()
  const asked: string[] = []
  const hanging: Sink = {
    name: 'hanging',
    most: 1,
    send: async ([message]) => {
      asked.push(message?.summary ?? '')
      await hung
      throw new Error('no answer')
    },
  }
  const bell = place.open([hanging, place.sink('pager')])
  await bell.ring([use('1')])
  const first = bell.deliver()
  await place.hears(1)
  await bell.ring([use('2')])
  const second = bell.deliver()
  await place.hears(2)
  assert.deepEqual(place.heard, ['pager breakglass-used', 'pager breakglass-used'])
  assert.equal(asked.length, 1)
  letGo(undefined)
  await Promise.all([first, second])
  assert.deepEqual(asked, ['BREAKGLASS 1', 'BREAKGLASS 2'])
})

test('within a time its own alarms are told first; a sink that does not answer in it is left alone, and what is left waits', async () => {
  using place = scene(['pager'])
  await place.open([]).ring(['1', '2', '3'].map(use))
  const asked: string[] = []
  const hanging: Sink = {
    name: 'hanging',
    most: 1,
    send: async ([message], { timeoutMs }) => {
      asked.push(message?.summary ?? '')
      await new Promise((resolve) => setTimeout(resolve, timeoutMs))
      throw new Error('no answer')
    },
  }
  const bell = place.open([hanging, place.sink('pager')])
  await bell.ring([use('own')])
  await bell.deliver({ withinMs: 200, all: true })
  assert.deepEqual(asked, ['BREAKGLASS own'])
  assert.deepEqual(place.words[0], 'BREAKGLASS own')
  const left = (await bell.pending()).filter(({ sink }) => sink === 'hanging')
  assert.deepEqual(
    left.map(({ attempts }) => attempts).toSorted((a, b) => a - b),
    [0, 0, 0, 1],
  )
})

test('what waits for a sink that is no longer there is told those that are', async () => {
  using place = scene(['wrong', 'pager'])
  place.deaf.add('wrong')
  await place.open([place.sink('wrong')]).ring([use('1')])
  await place.open([place.sink('wrong')]).deliver()
  const bell = place.open([place.sink('pager')])
  await bell.deliver()
  assert.deepEqual(place.heard, ['pager breakglass-used'])
  assert.deepEqual(await bell.pending(), [])
})

test('an alarm waits since it rang, however old it is what it is about', async () => {
  using place = scene(['pager', 'mail'])
  place.deaf.add('pager')
  place.pass(2 * 3_600_000)
  const bell = place.open()
  await bell.ring([use('imported')])
  assert.equal((await bell.pending())[0]?.since, '2026-06-01T14:00:00.000Z')
  await bell.deliver()
  await bell.deliver()
  assert.deepEqual(place.heard, ['mail breakglass-used'])
})

test('on a disk that can no longer be written each alarm is heard once, and none holds up another', async () => {
  using place = scene(['pager'])
  await place.open().ring([use('1')])
  const outbox = openOutbox(place.folder)
  await outbox.put(use('2'), ['pager'], new Date(began))
  let isBroken = true
  const full = (work: () => Promise<void>) =>
    isBroken ? Promise.reject(new Error('EROFS')) : work()
  const bell = openBell({
    outbox: {
      ...outbox,
      delivered: (one) => full(() => outbox.delivered(one)),
      failed: (...all) => full(() => outbox.failed(...all)),
    },
    sinks: [place.sink('pager')],
    origin: 'log.example',
    clock: () => new Date(began),
  })
  place.deaf.add('pager')
  await assert.rejects(bell.deliver(), /EROFS/)
  place.deaf.clear()
  for (let count = 0; count < 3; count += 1) await assert.rejects(bell.deliver(), /EROFS/)
  assert.deepEqual(place.words.sort(), ['BREAKGLASS 1', 'BREAKGLASS 2'])
  isBroken = false
  await bell.deliver()
  assert.deepEqual([place.words.length, await bell.pending()], [2, []])
})

test('what cannot be written rings nowhere and says so: whoever asks is not answered', async () => {
  using place = scene(['pager'])
  const file = join(place.folder, 'a-file')
  writeFileSync(file, '')
  const bell = openBell({
    outbox: openOutbox(join(file, 'alarms')),
    sinks: [],
    origin: 'log.example',
    clock: () => new Date(began),
  })
  await assert.rejects(bell.ring([use('1')]), { code: 'ALARM_NOT_KEPT' })
})

test('a damaged file or a line that a crash cut off keeps no other alarm from being heard', async () => {
  using place = scene(['pager'])
  const bell = place.open()
  await bell.ring([use('1')])
  writeFileSync(join(place.folder, 'pending', '0.bad.json'), '{"event"')
  writeFileSync(join(place.folder, 'events.jsonl'), '{"half', { flag: 'a' })
  await bell.deliver()
  assert.deepEqual(place.heard, ['pager breakglass-used'])
  assert.equal((await bell.events()).length, 1)
  await bell.ring([use('2')])
  const told = (await bell.events()).map(({ summary }) => summary)
  assert.deepEqual(told, ['BREAKGLASS 1', 'BREAKGLASS 2'], 'nor the one after it')
})

test('an alarm whose ringing a crash cut off is in the file of all alarms once', async () => {
  using place = scene(['pager'])
  const file = join(place.folder, 'events.jsonl')
  const told = async () => (await place.open().events()).map(({ summary }) => summary)
  await place.open().ring([use('1')])
  await place.open().ring([use('2')])
  // It died when the line was written, and did not come to remember that it was; others rang since.
  const [one] = await place.open().events()
  rmSync(join(place.folder, 'rung', one?.id ?? ''))
  await place.open().ring([use('1')])
  assert.deepEqual(await told(), ['BREAKGLASS 1', 'BREAKGLASS 2'])
  // It died when half of the line was written.
  writeFileSync(file, readFileSync(file).subarray(0, -20))
  for (const name of readdirSync(join(place.folder, 'rung')))
    rmSync(join(place.folder, 'rung', name))
  await place.open().ring([use('2')])
  assert.deepEqual(await told(), ['BREAKGLASS 1', 'BREAKGLASS 2'])
})

test('who waits while somebody is told gets what they asked for, whoever waited before', async () => {
  using place = scene(['pager'])
  const { promise: held, resolve: letGo } = Promise.withResolvers<undefined>()
  const pager = place.sink('pager')
  let calls = 0
  const slow: Sink = {
    ...pager,
    send: async (...args) => {
      calls += 1
      if (calls === 2) await held
      return pager.send(...args)
    },
  }
  const bell = place.open([slow])
  place.deaf.add('pager')
  await bell.ring([use('1')])
  await bell.deliver()
  place.deaf.delete('pager')
  await bell.ring([use('2')])
  // The first failed a moment ago: only who asks for all has it told again.
  const first = bell.deliver()
  const second = bell.deliver({ withinMs: 60_000 })
  const third = bell.deliver({ all: true })
  letGo(undefined)
  await Promise.all([first, second, third])
  assert.deepEqual(place.words.toSorted(), ['BREAKGLASS 1', 'BREAKGLASS 2'])
  assert.deepEqual(await bell.pending(), [])
})

test('a bell that is stopped breaks off what hangs; what has not been heard waits, and has not failed', async () => {
  using place = scene(['pager'])
  const { promise: isAsked, resolve: ask } = Promise.withResolvers<undefined>()
  const hanging: Sink = {
    ...place.sink('pager'),
    send: (_, { signal }) =>
      new Promise((__, reject) => {
        signal?.addEventListener('abort', () => reject(new Error('broken off')))
        ask(undefined)
      }),
  }
  const bell = place.open([hanging])
  await bell.ring([use('1'), use('2')])
  const told = [bell.deliver(), bell.deliver()]
  await isAsked
  bell.stop()
  await Promise.all(told)
  assert.deepEqual(
    (await bell.pending()).map(({ attempts, next }) => [attempts, next]),
    [
      [0, undefined],
      [0, undefined],
    ],
  )
  await place.open().deliver()
  assert.equal(place.heard.length, 2)
})
