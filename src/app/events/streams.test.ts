import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { eventTypes, type SecurityEventData } from '#api'
import {
  encodeEvent,
  eventTypes as alarmTypes,
  makeEvent,
  openOutbox,
  type EventType,
} from '#breakglass'
import type { Problem } from '#error'
import { alarmStream } from './alarm-stream.ts'
import { makeMessage } from './event.ts'
import { countRefusals } from './refused-access.ts'
import { watchProblems } from './watched-problems.ts'

const time = '2026-06-01T12:00:00.000Z'
const alarm = (key: string, type: EventType = 'rulebook-refused') =>
  makeEvent(key, { time, type, severity: 'error', origin: 'log.example', summary: `alarm ${key}` })

function folderOf() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-alarms-'))
  const remove = (): void => rmSync(folder, { recursive: true })
  return { folder, [Symbol.dispose]: remove }
}

test('what has rung is a stream; decisions that rang are told from the log, and a line that was cut off keeps nobody from the rest', async () => {
  using place = folderOf()
  const file = join(place.folder, 'events.jsonl')
  const stream = alarmStream(file, () => true)
  assert.deepEqual([await stream.end(), await stream.read(0, 64)], [0, { messages: [], next: 0 }])
  const outbox = openOutbox(place.folder)
  await outbox.put(alarm('1'), [], new Date())
  await outbox.put(alarm('2', 'breakglass-used'), [], new Date())
  appendFileSync(file, '{"half')
  const first = await stream.read(0, 64)
  assert.deepEqual(
    first.messages.map(({ message }) => [message.id, message.name]),
    [[alarm('1').id, 'alarm.rulebook-refused']],
  )
  // Not before it is whole.
  assert.deepEqual(await stream.read(first.next, 64), { messages: [], next: first.next })
  await outbox.put(alarm('3'), [], new Date())
  const second = await stream.read(first.next, 64)
  assert.deepEqual(
    second.messages.map(({ message }) => message.id),
    [alarm('3').id],
  )
  assert.equal(second.next, await stream.end())
})

test('every alarm leaves: by itself, or with the decision that rang', () => {
  const fromLog = ['breakglass-used', 'admitted-unavailable', 'admitted-audit']
  for (const type of alarmTypes)
    assert.equal(Object.hasOwn(eventTypes, `alarm.${type}`), !fromLog.includes(type), type)
})

test('a file of alarms that was begun anew is read from its beginning', async () => {
  using place = folderOf()
  const file = join(place.folder, 'events.jsonl')
  writeFileSync(file, `${Buffer.from(encodeEvent(alarm('1'))).toString()}\n`)
  const stream = alarmStream(file, () => true)
  assert.deepEqual(await stream.read(10_000, 64), { messages: [], next: 0 })
  assert.equal((await stream.read(0, 64)).messages.length, 1)
})

const access = {
  code: 'ACCESS_UNAUTHENTICATED',
  status: 401,
  method: 'GET',
  route: '/metrics',
  offered: true,
  address: '192.0.2.1',
} as const

test('of many refusals of one kind the first is told at once, and the others together', () => {
  const told: SecurityEventData[] = []
  const counter = countRefusals({ tell: (data) => told.push(data), clock: () => new Date(time) })
  for (let at = 0; at < 100; at += 1) counter.refused(access)
  assert.deepEqual(
    told.map((one) => one.access?.count),
    [1],
  )
  counter.close()
  assert.deepEqual(
    told.map((one) => one.access?.count),
    [1, 99],
  )
})

test('whoever asks from a million addresses is told as others, and no address is forgotten that was told', () => {
  const told: SecurityEventData[] = []
  const counter = countRefusals({ tell: (data) => told.push(data), clock: () => new Date(time) })
  for (let at = 0; at < 10_000; at += 1)
    counter.refused({ ...access, address: `2001:db8::${at.toString(16)}` })
  counter.refused({ ...access, address: '2001:db8::1' })
  counter.close()
  assert.ok(told.length <= 256 + 3, String(told.length))
  const counts = told.map((one) => one.access?.count ?? 0)
  assert.equal(
    counts.reduce((sum, count) => sum + count, 0),
    10_001,
  )
  assert.ok(told.some((one) => one.access?.address === 'others'))
})

const problem = (code: string, where = 'log'): Problem =>
  ({ code, where, expected: 'e', found: 'f', fix: 'x' }) as Problem

test('a problem is told when it begins and when it is over, once each, however often somebody looks', () => {
  const told: string[] = []
  let health: readonly Problem[] = []
  let warnings: readonly Problem[] = [problem('LOG_SPOOLING')]
  const look = watchProblems({
    tell: (name, data) => told.push(`${name} ${data.problem?.code ?? ''}`),
    health: () => health,
    warnings: () => warnings,
    certificateEnds: () => undefined,
    clock: () => new Date(time),
  })
  look()
  look()
  health = [problem('LOG_UNAVAILABLE')]
  look()
  warnings = []
  look()
  health = []
  look()
  assert.deepEqual(told, [
    'gate.warning LOG_SPOOLING',
    'gate.unready LOG_UNAVAILABLE',
    'gate.recovered LOG_SPOOLING',
    'gate.recovered LOG_UNAVAILABLE',
  ])
})

test('a certificate that ends within 14 days is told, once, and by whoever notices it the same', () => {
  const keys: (string | undefined)[] = []
  let now = new Date(time)
  let ends = new Date(now.getTime() + 15 * 86_400_000)
  const look = watchProblems({
    tell: (_, __, key) => keys.push(key),
    health: () => [],
    warnings: () => [],
    certificateEnds: () => ends,
    clock: () => now,
  })
  look()
  assert.deepEqual(keys, [])
  now = new Date(now.getTime() + 2 * 86_400_000)
  look()
  look()
  assert.deepEqual(keys, [ends.toISOString()])
  ends = new Date(now.getTime() + 90 * 86_400_000)
  look()
  assert.equal(keys.length, 1)
})

test('an origin that is no address is one in an event, too', () => {
  const data = { summary: 's' }
  for (const origin of ['log.example/a', 'ä ö\n"x"', '%%%', 'x'.repeat(255)]) {
    const { body } = makeMessage('gate.started', { key: 'k', time, origin, data })
    const { source } = JSON.parse(Buffer.from(body).toString()) as { source: string }
    assert.match(source, /^\/\/[!-~]+$/)
  }
})
