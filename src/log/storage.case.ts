import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogStorage } from './index.ts'
import { encodeRecord, journalStart } from './journal.ts'

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
    assert.equal(await storage.peekJournal(), undefined)
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
      await writer.replaceJournal(record('head'))
      const first = await writer.journalMark()
      await writer.appendJournal(record('one'))
      await writer.appendJournal(record('two'))
      const second = await writer.journalMark()
      const all = Buffer.concat(['head', 'one', 'two'].map(record))
      assert.equal(first?.generation, second?.generation)
      // Whoever only looks needs no lock.
      assert.deepEqual(Buffer.from((await other.peekJournal()) ?? []), all)
      assert.equal(first?.length, record('head').length)
      assert.equal(second?.length, all.length)
      await writer.unlock()

      const next = await other.lock()
      assert.deepEqual(await next.journalMark(), second)
      assert.deepEqual(Buffer.from(await next.readJournal(0)), all)
      const after = await next.readJournal(first?.length ?? 0)
      assert.deepEqual(Buffer.from(after), all.subarray(first?.length))
      assert.equal((await next.readJournal(all.length)).length, 0)
      await next.replaceJournal(record('new head'))
      await next.unlock()

      const last = await one.lock()
      assert.notEqual((await last.journalMark())?.generation, second?.generation)
      assert.deepEqual(Buffer.from(await last.readJournal(0)), record('new head'))
      await last.appendJournal(record('!'))
      const both = Buffer.concat(['new head', '!'].map(record))
      assert.deepEqual(Buffer.from(await last.readJournal(0)), both)
      await last.unlock()
      await one.close()
      await other.close()
    },
  )

  rule('a journal that grows long is the same for everybody', async (place) => {
    const [one, other] = [place.open(), place.open()]
    const storages = [one, other]
    const written: Buffer[] = []
    for (let turn = 0; turn < 6; turn += 1) {
      const storage = storages[turn % 2] ?? one
      const writer = await storage.lock()
      if (turn === 0) await writer.replaceJournal(record('head'))
      if (turn === 0) written.push(record('head'))
      for (let time = 0; time < 10; time += 1) {
        const next = record(`${turn}.${time}`.repeat(1 + ((turn * 7 + time) % 5) * 12_000))
        await writer.appendJournal(next)
        written.push(next)
      }
      const all = Buffer.concat(written)
      assert.equal((await writer.journalMark())?.length, all.length)
      assert.equal(Buffer.compare(await writer.readJournal(0), all), 0)
      await writer.unlock()
    }
    await one.close()
    await other.close()
  })

  rule('a generation never comes back', async (place) => {
    const [one, other] = [place.open(), place.open()]
    const writer = await one.lock()
    await writer.replaceJournal(record('first'))
    const first = await writer.journalMark()
    await writer.unlock()
    for (let time = 0; time < 5; time += 1) {
      const next = await other.lock()
      await next.replaceJournal(record('other'))
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

function record(checkpoint: string): Buffer {
  return Buffer.from(
    encodeRecord({ kind: 'head', checkpoint }, journalStart, new Uint8Array(32)).bytes,
  )
}

function text(value: string): Uint8Array {
  return Buffer.from(value)
}

function show(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : Buffer.from(bytes).toString()
}
