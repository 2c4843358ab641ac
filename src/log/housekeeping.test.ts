import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SallyportError } from '#error'
import type { SigningRequest } from '#merkle'
import type { LogLimits } from './committer.ts'
import { openLog } from './log.ts'
import { RememberingSigner } from './testing/remembering-signer.ts'
import { entries, entry, Machine } from './testing/simulation.ts'
import { storageWith } from './testing/storage-with.ts'

// A hundred of these entries are a journal that is too long, which the others after them do not double.
const limits = { publishAfter: 0, journalBytes: 10_000, unsettledTiles: 1000 }
const large = entries(0, 100).map((one) => Buffer.concat([one, Buffer.alloc(90, ' ')]))
const partial = 'tile/0/000.p/100'

test('a tile of the tree that the next journal begins with is not removed before the full one is durable', async () => {
  const { machine, log, signing, settling, seen } = await openSlow()
  settling.hold()
  await Promise.all(large.map((one) => log.append(one)))
  // While the tree of the hundred becomes durable, the next one fills its tiles; it is published afterwards.
  await manyTurns()
  signing.hold()
  await Promise.all(entries(100, 200).map((one) => log.append(one)))
  settling.letGo()
  await manyTurns()
  settling.hold()
  signing.letGo()
  await log.view()
  await manyTurns()
  const before = seen.replaced
  await log.append(entry(300))
  assert.equal(seen.replaced, before + 1)
  await checkAfterPowerFailure(machine, 301)
})

for (const when of ['while', 'after'] as const)
  test(`when others have written ${when} a tree became durable, no journal begins with it: they have removed tiles of it`, async () => {
    const { machine, log, settling } = await openSlow()
    const other = await machine.start(undefined, { ...limits, journalBytes: 2 ** 30 })
    const becomeDurable = async (): Promise<void> => {
      await manyTurns()
      settling.letGo()
      settling.hold()
      await manyTurns()
    }
    settling.hold()
    await Promise.all(large.map((one) => log.append(one)))
    await log.view()
    if (when === 'after') await becomeDurable()
    await Promise.all(entries(100, 200).map((one) => other.append(one)))
    await other.view()
    await manyTurns()
    assert.equal(machine.disk.files.has(partial), false)
    await log.append(entry(300))
    if (when === 'while') await becomeDurable()
    await log.append(entry(301))
    await checkAfterPowerFailure(machine, 302)
  })

test('the journal is not replaced while a tree is being published', async () => {
  const { log, signing, settling, seen } = await openSlow()
  settling.hold()
  await Promise.all(large.map((one) => log.append(one)))
  await log.view()
  signing.hold()
  await log.append(entry(100))
  settling.letGo()
  await manyTurns()
  const before = seen.replaced
  const next = log.append(entry(101))
  await manyTurns()
  assert.equal(seen.replaced, before)
  signing.letGo()
  assert.equal((await next).index, 101)
  assert.equal(seen.replaced, before + 1)
})

test('the lock is not given back while a tree is being published, although a commit has failed', async () => {
  const { machine, log, signing, seen } = await openSlow({ turn: 60_000 })
  const other = await machine.start()
  signing.hold()
  await log.append(entry(0))
  const theirs = other.append(entry(1))
  seen.isAway = true
  const failed = log.append(entry(2))
  assert.equal(await Promise.race([failed, theirs, manyTurns()]), undefined)
  seen.isAway = false
  signing.letGo()
  await assert.rejects(failed, { code: 'SIGNER_TIMEOUT' })
  const { index } = await theirs
  assert.deepEqual(Buffer.from(await other.entry(index)), entry(1))
  assert.deepEqual(Buffer.from(await other.entry(0)), entry(0))
})

test('who wants the lock waits for what is committed to be published', async () => {
  const { machine, log, signing } = await openSlow({ turn: 0 })
  const other = await machine.start()
  signing.hold()
  await log.append(entry(0))
  const theirs = other.append(entry(1))
  assert.equal(await Promise.race([theirs, manyTurns()]), undefined)
  const mine = log.append(entry(2))
  assert.equal(await Promise.race([theirs, mine, manyTurns()]), undefined)
  signing.letGo()
  assert.deepEqual([(await theirs).index, (await mine).index], [1, 2])
})

/** A log whose signer signs, and whose disk makes durable, when the test lets them. */
async function openSlow(more: Partial<LogLimits> = {}) {
  const machine = new Machine()
  const [signing, settling] = [openGate(), openGate()]
  const seen = { replaced: 0, isAway: false }
  const storage = storageWith(machine, {
    beforeSettle: settling.pass,
    beforeReplace: () => (seen.replaced += 1),
  })
  const real = new RememberingSigner(machine.memory, machine.keys)
  const signer = {
    origin: real.origin,
    verifierKeys: real.verifierKeys,
    journalKey: real.journalKey,
    newest: async () => real.newest(),
    remember: async (request: SigningRequest) => {
      if (seen.isAway) throw away()
      await real.remember(request)
    },
    sign: async (request: SigningRequest) => {
      await signing.pass()
      return real.sign(request)
    },
  }
  const log = await openLog({ storage, signer, limits: { ...limits, ...more } })
  return { machine, log, signing, settling, seen }
}

function away(): SallyportError {
  return new SallyportError({
    code: 'SIGNER_TIMEOUT',
    expected: 'an answer of the signer',
    found: 'none',
    fix: 'Ask again',
  })
}

/** Holds up who comes while it is shut, until it is opened. */
function openGate() {
  let gate = Promise.withResolvers<void>()
  gate.resolve()
  return {
    pass: async () => gate.promise,
    hold: () => (gate = Promise.withResolvers()),
    letGo: () => gate.resolve(),
  }
}

/** What is done beside the commits, and not held up, is done. */
async function manyTurns(): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve))
}

async function checkAfterPowerFailure(machine: Machine, size: number): Promise<void> {
  machine.failPower(() => 'lost')
  const next = await machine.start()
  assert.equal(next.size, size)
  assert.deepEqual(Buffer.from(await next.entry(99)), large[99])
  assert.deepEqual(Buffer.from(await next.entry(size - 1)), entry(size - 1))
  assert.ok((await machine.verify()).ok)
}
