import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeEvent, openBell, openOutbox, type Bell } from '#breakglass'
import type { Config } from '#config'
import { SallyportError } from '#error'
import type { Sink } from '#events'
import type { BodyStore, Log } from '#log'
import type { Journal, Metrics } from '#server'
import { keepRinging } from './ringing.ts'

let now = Date.parse('2026-06-01T12:00:00Z')
const clock = (): Date => new Date(now)
const use = (key: string) =>
  makeEvent(key, {
    time: clock().toISOString(),
    type: 'breakglass-used',
    severity: 'critical',
    origin: 'log.example',
    summary: key,
  })

const empty = { size: 0, entries: () => [] }

function ringingWith(
  bell: Bell,
  journal: { readonly error: (event: string, error: unknown) => void },
  view: () => Promise<unknown> = () => Promise.resolve(empty),
) {
  const sinks = { webhook: [], smtp: [], syslog: [] }
  const alarms = { ...sinks, reviewMs: 1000, maxPerEnvironmentPerDay: 2, maxPerDayIn: {} }
  return keepRinging({
    config: { alarms, log: { origin: 'log.example' } } as unknown as Config,
    bell,
    log: { view } as unknown as Log,
    bodies: {} as BodyStore,
    metrics: { gauge: () => undefined } as unknown as Metrics,
    journal: journal as Journal,
    clock,
    seconds: 3600,
  })
}

test('a use is told where somebody listens, while another sink hangs with the one before it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ringing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { promise: hung, resolve: letGo } = Promise.withResolvers<undefined>()
  const { promise: heardSecond, resolve: hear } = Promise.withResolvers<undefined>()
  const hanging: Sink = { name: 'hanging', most: 1, send: () => hung }
  const mail: Sink = {
    name: 'mail',
    most: 1,
    send: ([message]) => {
      if (message?.summary === 'second') hear(undefined)
      return Promise.resolve()
    },
  }
  const bell = openBell({
    outbox: openOutbox(folder),
    sinks: [hanging, mail],
    origin: 'log.example',
    clock,
  })
  const ringing = ringingWith(bell, { error: (_, error) => assert.ifError(error) })
  await bell.ring([use('first')])
  await ringing.tell(20)
  await bell.ring([use('second')])
  const told = ringing.tell(60_000)
  await heardSecond
  assert.equal((await bell.pending()).filter(({ sink }) => sink === 'hanging').length, 2)
  letGo(undefined)
  await told
  await ringing[Symbol.asyncDispose]()
  assert.deepEqual(await bell.pending(), [])
})

test('a log that is away is told once in a while, not with each look', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ringing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const bell = openBell({ outbox: openOutbox(folder), sinks: [], origin: 'log.example', clock })
  const told: unknown[] = []
  const problem = { where: 'log', expected: 'a log', found: 'none', fix: 'Wait' }
  const away = new SallyportError({ code: 'LOG_UNAVAILABLE', ...problem })
  const journal = { error: (_: string, error: unknown) => told.push(error) }
  const ringing = ringingWith(bell, journal, () => Promise.reject(away))
  for (let looks = 0; looks < 3; looks += 1) await ringing.look()
  await ringing[Symbol.asyncDispose]()
  assert.deepEqual(told, [away])
})

test('an alarm that nobody has heard for half a minute is worth a warning, and where none waits there is none', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ringing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  let isDeaf = true
  const send = () => (isDeaf ? Promise.reject(new Error('503')) : Promise.resolve())
  const sinks: readonly Sink[] = [{ name: 'mail', most: 1, send }]
  const bell = openBell({ outbox: openOutbox(folder), sinks, origin: 'log.example', clock })
  await using ringing = ringingWith(bell, { error: (_, error) => assert.ifError(error) })
  const warnings = async () => {
    await ringing.look()
    return ringing.warnings().map(({ code, found }) => `${code} ${found}`)
  }
  assert.deepEqual(await warnings(), [])
  await bell.ring([use('late')])
  now += 29_999
  assert.deepEqual(await warnings(), [])
  now += 1
  assert.deepEqual(await warnings(), ['ALARM_UNDELIVERED 1 that nobody has taken yet'])
  isDeaf = false
  now += 60_000
  assert.deepEqual(await warnings(), [])
})

test('an alarm that rang before the clock was set back waits for too long', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ringing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const deaf: Sink = { name: 'deaf', most: 1, send: () => Promise.reject(new Error('503')) }
  const outbox = openOutbox(folder)
  const bell = openBell({ outbox, sinks: [deaf], origin: 'log.example', clock })
  await using ringing = ringingWith(bell, { error: (_, error) => assert.ifError(error) })
  await bell.ring([use('first')])
  await ringing.look()
  assert.deepEqual(ringing.warnings(), [])
  now -= 86_400_000
  assert.deepEqual(
    ringing.warnings().map(({ code }) => code),
    ['ALARM_UNDELIVERED'],
  )
})

test('a bad push rings again when it comes again, the same once an hour', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-ringing-'))
  t.after(() => rmSync(folder, { recursive: true }))
  now = Date.parse('2026-06-01T12:00:00Z')
  const bell = openBell({ outbox: openOutbox(folder), sinks: [], origin: 'log.example', clock })
  await using ringing = ringingWith(bell, { error: (_, error) => assert.ifError(error) })
  const rings = async (): Promise<number> => {
    await ringing.alert('rulebook-refused', 'policies', [])
    return (await bell.events()).length
  }
  assert.equal(await rings(), 1)
  now += 59 * 60_000
  assert.equal(await rings(), 1)
  now += 60_000
  assert.equal(await rings(), 2)
})
