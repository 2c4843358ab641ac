import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { openFileEvents } from '#store'
import type { Message } from './message.ts'
import type { EventStream, Placed } from './ports.ts'
import { Shipment } from './shipment.ts'
import type { Sink } from './sink.ts'

function message(name: string): Message {
  const time = '2026-06-01T12:00:00.000Z'
  return { id: name, time, name, severity: 'notice', summary: name, body: Buffer.from('{}') }
}

/** A list as a stream; each of its items is two messages. */
function streamOf(name: string, list: string[]): EventStream & { problem?: Error } {
  const stream: EventStream & { problem?: Error } = {
    name,
    end: () => Promise.resolve(list.length),
    read: async (from) => {
      if (stream.problem !== undefined) throw stream.problem
      const items = list.slice(from, from + 4)
      const messages = items.flatMap((item, at): Placed[] => [
        { message: message(`${item}.1`), place: from + at },
        { message: message(`${item}.2`), place: from + at + 1 },
      ])
      return { messages, next: from + items.length }
    },
  }
  return stream
}

interface Ear extends Sink {
  readonly heard: string[]
  /** How many it takes from now on before it takes nothing more. */
  takes: number
}

function ear(most = 3): Ear {
  const one: Ear = {
    name: 'ear',
    most,
    heard: [],
    takes: Infinity,
    send(messages) {
      assert.ok(messages.length <= most)
      if (one.takes < messages.length) return Promise.reject(new Error('it is full'))
      one.takes -= messages.length
      one.heard.push(...messages.map(({ name }) => name))
      return Promise.resolve()
    },
  }
  return one
}

function scene() {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-shipment-'))
  const store = openFileEvents(folder)
  const open = (sink: Sink, wants: (one: Message) => boolean = () => true): Shipment =>
    new Shipment({ name: 'siem', sink, store, wants, clock: () => new Date(), pollMs: 1 })
  const remove = (): void => {
    store.close()
    rmSync(folder, { recursive: true })
  }
  return { store, open, [Symbol.dispose]: remove }
}

async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 20_000
  while (!holds()) {
    if (performance.now() > end) throw new Error('never')
    await new Promise((done) => setTimeout(done, 2))
  }
}

const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
const both = (items: readonly string[]): string[] =>
  items.flatMap((item) => [`${item}.1`, `${item}.2`])

test('a sink that is new hears what happens from then on, and one that is not where it was left', async () => {
  using place = scene()
  const list = ['before']
  const sink = ear()
  const first = place.open(sink)
  await first.follow(streamOf('log', list))
  list.push('a', 'b')
  first.start()
  await until(() => sink.heard.length === 4)
  await first.close()
  list.push('c')
  const second = place.open(sink)
  await second.follow(streamOf('log', list))
  second.start()
  await until(() => sink.heard.length === 6)
  assert.equal(await second.isDone(), true)
  await second.close()
  assert.deepEqual(sink.heard, both(['a', 'b', 'c']))
})

test('a sink that stops taking anywhere hears everything in order; a part of one item makes the whole be told again', async () => {
  for (let taken = 0; taken <= 20; taken += 1) {
    using place = scene()
    const list: string[] = []
    const sink = ear()
    sink.takes = taken
    const first = place.open(sink)
    await first.follow(streamOf('log', list))
    list.push(...letters)
    first.start()
    await until(() => first.standing.failures > 0 || sink.heard.length === 20)
    if (first.standing.failures > 0) assert.match(first.standing.failure ?? '', /it is full/)
    // The process ends here, whatever was under way.
    await first.close()
    sink.takes = Infinity
    const second = place.open(sink)
    await second.follow(streamOf('log', list))
    second.start()
    await until(() => sink.heard.at(-1) === 'j.2')
    await second.close()
    assert.deepEqual([...new Set(sink.heard)], both(letters))
    assert.ok(sink.heard.length <= 21, 'at most a half item twice')
  }
})

test('what nobody wants is not told, and passed', async () => {
  using place = scene()
  const list: string[] = []
  const sink = ear()
  const shipment = place.open(sink, ({ name }) => name === 'j.2')
  await shipment.follow(streamOf('log', list))
  list.push(...letters)
  shipment.start()
  await until(() => sink.heard.length === 1)
  await until(() => place.store.placeOf('siem', 'log') === 10)
  await shipment.close()
  assert.deepEqual(sink.heard, ['j.2'])
})

test('a stream that cannot be read keeps nobody from the others, and says why', async () => {
  using place = scene()
  const broken: string[] = []
  const list: string[] = []
  const sink = ear()
  const shipment = place.open(sink)
  const stream = streamOf('broken', broken)
  await shipment.follow(stream)
  await shipment.follow(streamOf('log', list))
  stream.problem = new Error('no such checkpoint')
  broken.push('x')
  list.push('a')
  shipment.start()
  await until(() => sink.heard.length === 2)
  await until(() => shipment.standing.failure === 'no such checkpoint')
  delete stream.problem
  await until(() => sink.heard.length === 4)
  await shipment.close()
  assert.deepEqual(sink.heard, both(['a', 'x']))
})
