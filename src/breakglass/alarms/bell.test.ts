import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Sink } from '#events'
import { openBell } from './bell.ts'
import { makeEvent, type SecurityEvent } from './event.ts'
import { openOutbox } from './outbox.ts'

const began = Date.parse('2026-06-01T12:00:00Z')

/** A sink that hears, or does not, as it is told; and the clock that everybody looks at. */
function scene(names: readonly string[]) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bell-'))
  const heard: string[] = []
  const deaf = new Set<string>()
  let now = began
  const sinks = names.map((name): Sink => ({
    name,
    most: 1,
    send: (messages) => {
      if (deaf.has(name)) return Promise.reject(new Error('nobody answers'))
      heard.push(...messages.map((one) => `${name} ${one.name}`))
      return Promise.resolve()
    },
  }))
  const clock = (): Date => new Date(now)
  const open = (with_ = sinks) =>
    openBell({ outbox: openOutbox(folder), sinks: with_, origin: 'log.example', clock })
  const pass = (ms: number): void => void (now += ms)
  const remove = (): void => rmSync(folder, { recursive: true })
  return { folder, heard, deaf, open, pass, [Symbol.dispose]: remove }
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
