import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AppendOptions, Message } from '#events'
import { openFileEvents } from './events.ts'

function message(id: string): Message {
  const time = '2026-06-01T12:00:00.000Z'
  return {
    id,
    time,
    name: 'gate.started',
    severity: 'notice',
    summary: id,
    body: Buffer.from('{}'),
  }
}

const about = (dropped: number): Message => message(`dropped ${dropped}`)
const roomy: AppendOptions = { most: 100, about }

function scene() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-events-'))
  const remove = (): void => rmSync(folder, { recursive: true })
  return { folder, open: () => openFileEvents(folder), [Symbol.dispose]: remove }
}

test('what was added is there when the store is opened again, in its order, and readable by nobody else', () => {
  using place = scene()
  const store = place.open()
  store.append([message('a'), message('b')], roomy)
  store.keepPlace('siem', 'gate', 1)
  store.close()
  const again = place.open()
  const [one, two] = again.read(0, 10)
  assert.deepEqual([one?.message.id, two?.message.id, again.end()], ['a', 'b', 2])
  assert.deepEqual(Buffer.from(two?.message.body ?? []).toString(), '{}')
  assert.deepEqual(
    again.read(1, 10).map(({ message: { id } }) => id),
    ['b'],
  )
  assert.deepEqual([again.placeOf('siem', 'gate'), again.placeOf('siem', 'log')], [1, undefined])
  assert.equal(statSync(join(place.folder, 'events.db')).mode & 0o777, 0o600)
  again.close()
})

test('places go on where they were when nothing waits any more: no sink takes a new event for one that it has heard', () => {
  using place = scene()
  const store = place.open()
  store.append([message('a'), message('b')], roomy)
  store.forget(2)
  assert.deepEqual([store.waiting(), store.end()], [0, 2])
  store.close()
  const again = place.open()
  again.append([message('c')], roomy)
  assert.deepEqual(
    again.read(2, 10).map(({ place: at, message: { id } }) => [at, id]),
    [[3, 'c']],
  )
  again.close()
})

test('beyond its bound events are dropped and counted, also over a restart, and the count is told with the next that finds room', () => {
  using place = scene()
  const small: AppendOptions = { most: 2, about }
  const store = place.open()
  assert.equal(store.append([message('a'), message('b'), message('c')], small), 1)
  assert.equal(store.append([message('d')], small), 1)
  store.close()
  const again = place.open()
  assert.equal(again.append([], small), 0)
  assert.equal(again.waiting(), 2, 'no room yet')
  again.forget(1)
  assert.equal(again.append([message('e')], small), 1, 'the count comes first')
  assert.deepEqual(
    again.read(0, 10).map(({ message: { id } }) => id),
    ['b', 'dropped 2'],
  )
  again.forget(4)
  again.append([], small)
  assert.deepEqual(
    again.read(0, 10).map(({ message: { id } }) => id),
    ['dropped 1'],
  )
  again.forget(5)
  again.append([message('f')], small)
  assert.deepEqual(
    again.read(0, 10).map(({ message: { id } }) => id),
    ['f'],
    'told once',
  )
  again.close()
})

test('of all that have it open one tells, until it closes it', () => {
  using place = scene()
  const [one, two] = [place.open(), place.open()]
  assert.deepEqual([one.take(), two.take(), one.take()], [true, false, true])
  two.append([message('a')], roomy)
  assert.equal(one.read(0, 1).length, 1)
  one.close()
  assert.equal(two.take(), true)
  two.close()
})

test('a store that cannot be opened says what to do', () => {
  using place = scene()
  writeFileSync(join(place.folder, 'a-file'), '')
  assert.throws(() => openFileEvents(join(place.folder, 'a-file', 'events')), {
    code: 'EVENTS_STATE_FAILED',
  })
  writeFileSync(
    join(place.folder, 'events.db'),
    'no database at all, and long enough to be read as one'.repeat(30),
  )
  assert.throws(() => place.open(), { code: 'EVENTS_STATE_FAILED' })
})
