import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogStorage } from './index.ts'

/** One place where a log may be kept, opened as often as a test wants: each time by another process, as it were. */
export interface StoragePlace {
  open(): LogStorage
  dispose(): Promise<void>
}

/** What every LogStorage promises: run for each implementation. */
export function storageContract(name: string, makePlace: () => Promise<StoragePlace>): void {
  const rule = (text: string, body: (place: StoragePlace) => Promise<void>): void => {
    test(`${name}: ${text}`, async () => {
      const place = await makePlace()
      try {
        await body(place)
      } finally {
        await place.dispose()
      }
    })
  }

  rule('an empty place has no files and no journal', async (place) => {
    const storage = place.open()
    assert.equal(await storage.read('checkpoint'), undefined)
    assert.equal(await storage.read('tile/0/x001/000.p/7'), undefined)
    const writer = await storage.lock()
    assert.equal(await writer.journalMark(), undefined)
    await writer.unlock()
    await storage.close()
  })

  rule('what was written is read, by others too', async (place) => {
    const [one, other] = [place.open(), place.open()]
    const writer = await one.lock()
    await writer.write([
      { path: 'checkpoint', bytes: text('note') },
      { path: 'tile/entries/x001/234', bytes: text('entries') },
      { path: 'tile/0/000.p/255', bytes: text('') },
    ])
    await writer.unlock()
    assert.equal(show(await other.read('checkpoint')), 'note')
    assert.equal(show(await other.read('tile/entries/x001/234')), 'entries')
    assert.equal(show(await other.read('tile/0/000.p/255')), '')
    assert.equal(await other.read('tile/0/000'), undefined)
    await one.close()
    await other.close()
  })

  rule('the holder of the lock learns that others wait for it', async (place) => {
    const [one, other] = [place.open(), place.open()]
    const writer = await one.lock()
    assert.equal(writer.isWanted(), false)
    const waiting = other.lock()
    while (!writer.isWanted()) await new Promise((resolve) => setTimeout(resolve, 1))
    await writer.unlock()
    const next = await waiting
    assert.equal(next.isWanted(), false)
    await next.unlock()
    await one.close()
    await other.close()
  })

  rule('a file is replaced whole', async (place) => {
    const storage = place.open()
    const writer = await storage.lock()
    await writer.write([{ path: 'checkpoint', bytes: text('longer than the next') }])
    await writer.write([{ path: 'checkpoint', bytes: text('short') }])
    assert.equal(show(await storage.read('checkpoint')), 'short')
    await writer.unlock()
    await storage.close()
  })

  rule(
    'the journal grows, is read from any byte, and is replaced by a new generation',
    async (place) => {
      const [one, other] = [place.open(), place.open()]
      const writer = await one.lock()
      await writer.replaceJournal(text('head '))
      const first = await writer.journalMark()
      await writer.appendJournal(text('one '))
      await writer.appendJournal(text('two'))
      const second = await writer.journalMark()
      assert.equal(first?.generation, second?.generation)
      assert.equal(first?.length, 5)
      assert.equal(second?.length, 12)
      await writer.unlock()

      const next = await other.lock()
      assert.deepEqual(await next.journalMark(), second)
      assert.equal(show(await next.readJournal(0)), 'head one two')
      assert.equal(show(await next.readJournal(5)), 'one two')
      assert.equal(show(await next.readJournal(12)), '')
      await next.replaceJournal(text('new head'))
      await next.unlock()

      const last = await one.lock()
      assert.notEqual((await last.journalMark())?.generation, second?.generation)
      assert.equal(show(await last.readJournal(0)), 'new head')
      await last.appendJournal(text('!'))
      assert.equal(show(await last.readJournal(0)), 'new head!')
      await last.unlock()
      await one.close()
      await other.close()
    },
  )

  rule('a generation never comes back', async (place) => {
    const [one, other] = [place.open(), place.open()]
    const writer = await one.lock()
    await writer.replaceJournal(text('first'))
    const first = await writer.journalMark()
    await writer.unlock()
    for (let time = 0; time < 5; time += 1) {
      const next = await other.lock()
      await next.replaceJournal(text('other'))
      assert.notEqual((await next.journalMark())?.generation, first?.generation)
      await next.unlock()
    }
    await one.close()
    await other.close()
  })

  rule('settling and pruning take what is there', async (place) => {
    const storage = place.open()
    const writer = await storage.lock()
    const paths = ['tile/0/000', 'tile/0/000.p/3', 'tile/0/000.p/200', 'tile/0/001.p/3']
    await writer.write(paths.map((path) => ({ path, bytes: text(path) })))
    await storage.settle([...paths, 'tile/7/000', 'checkpoint'])
    await storage.prune(['tile/0/000', 'tile/1/000'])
    await storage.settle(paths)
    assert.equal(show(await storage.read('tile/0/000')), 'tile/0/000')
    assert.equal(await storage.read('tile/0/000.p/3'), undefined)
    assert.equal(await storage.read('tile/0/000.p/200'), undefined)
    assert.equal(show(await storage.read('tile/0/001.p/3')), 'tile/0/001.p/3')
    await writer.unlock()
    await storage.close()
  })

  rule('the lock has one holder at a time, and everybody comes to their turn', async (place) => {
    const storages = [place.open(), place.open(), place.open()]
    let holders = 0
    const turns = storages.map(() => 0)
    const take = async (storage: LogStorage, at: number): Promise<void> => {
      const writer = await storage.lock()
      holders += 1
      assert.equal(holders, 1)
      await new Promise((resolve) => setImmediate(resolve))
      turns[at] = (turns[at] ?? 0) + 1
      holders -= 1
      await writer.unlock()
    }
    await Promise.all(
      storages.flatMap((storage, at) => [
        (async () => {
          for (let time = 0; time < 20; time += 1) await take(storage, at)
        })(),
        take(storage, at),
      ]),
    )
    assert.deepEqual(turns, [21, 21, 21])
    for (const storage of storages) await storage.close()
  })
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

function show(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}
