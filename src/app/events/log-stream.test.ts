import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLog, type Log } from '#log'
import { MemoryBodies } from '../../log/testing/memory-bodies.ts'
import { MemoryDisk } from '../../log/testing/memory-storage.ts'
import { RememberingSigner, VolatileMemory } from '../../log/testing/remembering-signer.ts'
import { logStream } from './log-stream.ts'

async function scene() {
  const storage = new MemoryDisk().open()
  const signer = new RememberingSigner(new VolatileMemory(), 1)
  const log = await openLog({ storage, signer })
  const identity = {
    origin: (await log.view()).checkpoint.origin,
    verifierKeys: signer.verifierKeys,
  }
  const stream = logStream({ storage, identity, bodies: new MemoryBodies(), wants: () => true })
  return { storage, log, stream }
}

const add = async (log: Log, count: number): Promise<void> => {
  const kind = 'Later'
  await Promise.all(
    Array.from({ length: count }, (_, at) => log.append(Buffer.from(JSON.stringify({ kind, at })))),
  )
  // What is read is what is published.
  await log.view()
}

test('the log is read from any place, a bundle at a time, with nothing left out and nothing twice', async () => {
  const { log, stream } = await scene()
  assert.deepEqual(await stream.read(0, 64), { messages: [], next: 0 })
  await add(log, 600)
  assert.equal(await stream.end(), 600)
  const places: number[] = []
  const sizes: number[] = []
  for (let from = 0; ;) {
    const { messages, next } = await stream.read(from, 64)
    if (next === from) break
    sizes.push(next - from)
    places.push(...messages.map(({ place }) => place))
    from = next
  }
  assert.deepEqual(sizes, [256, 256, 88])
  assert.deepEqual(
    places,
    Array.from({ length: 600 }, (_, at) => at + 1),
  )
  assert.equal((await stream.read(300, 64)).messages[0]?.place, 301)
  assert.equal(
    new Set((await stream.read(0, 64)).messages.map(({ message }) => message.id)).size,
    256,
  )
  await log.close()
})

test('the end of a build is told with who had asked for it, from wherever the log is read', async () => {
  const { log, stream } = await scene()
  const build = '0b7c08e0-f303-4f76-95b3-cc8b75c71715'
  const trigger = { requester: 'jo', principal: 'os:jo' }
  const time = '2026-06-01T12:00:00Z'
  const request = { repository: 'r', revision: 'main', recipe: 'r.json', parameters: {} }
  const append = (entry: object) => log.append(Buffer.from(JSON.stringify(entry)))
  await append({ kind: 'BuildBegun', build, time, trigger, request })
  // It lies in another bundle than the end.
  await add(log, 300)
  const ended = { kind: 'BuildEnded', build, begun: 0, outcome: 'failed', problems: ['X'], time }
  await append(ended)
  await log.view()
  const { messages } = await stream.read(301, 64)
  assert.deepEqual(
    messages.map(({ message }) => message.name),
    ['build.failed'],
  )
  const { data } = JSON.parse(Buffer.from(messages[0]?.message.body ?? []).toString()) as {
    readonly data: { readonly principal?: string }
  }
  assert.equal(data.principal, 'os:jo')
  await log.close()
})

test('a log with fewer entries than a sink has heard of is told, and nothing of it', async () => {
  const { log, stream } = await scene()
  await add(log, 3)
  await assert.rejects(stream.read(4, 64), { code: 'EVENTS_LOG_BEHIND' })
  await log.close()
})

test('an entry that was altered is told to nobody: what leaves has been proven to be in the log', async () => {
  const { log, stream, storage } = await scene()
  await add(log, 3)
  const path = 'tile/entries/000.p/3'
  const bytes = await storage.read(path)
  assert.ok(bytes !== undefined)
  const altered = Uint8Array.from(bytes)
  const last = altered.length - 2
  altered[last] = (altered[last] ?? 0) ^ 1
  const read = storage.read.bind(storage)
  storage.read = (asked) => (asked === path ? Promise.resolve(altered) : read(asked))
  await assert.rejects(stream.read(0, 64), { code: 'LOG_CORRUPT' })
  await log.close()
})
