import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LogLimits } from './committer.ts'
import { verifyLog } from './index.ts'
import { Killed, type Step } from './testing/memory-storage.ts'
import { RememberingSigner } from './testing/remembering-signer.ts'
import { entries, entry, killedAt, Machine } from './testing/simulation.ts'

// The sizes go over the borders of tiles, and the journal is replaced on the way.
const batches = [1, 2, 60, 193, 1, 300, 5]

/** What a process was told before it died. */
interface Acknowledged {
  readonly entries: Map<number, Uint8Array>
  readonly checkpoints: string[]
}

for (const publishAfter of [0, 60_000])
  test(`wherever a process is killed, nothing acknowledged is lost and the log goes on: published after ${publishAfter} ms`, async () => {
    const steps = await everyStep({ publishAfter }, async (machine, told) => {
      await checkAsItWasLeft(machine, told)
      await restartAndCheck(machine, told)
    })
    // Each protocol step must have been the last one of some process.
    for (const step of [
      'append journal',
      'append half of the journal',
      'remember',
      'remembered',
      'sign',
      'signed',
      'write',
      'settle',
      'prune',
      'replace journal',
    ] as const)
      assert.ok(steps.has(step), `never killed at: ${step}`)
  })

for (const [publishAfter, journalBytes] of [
  [0, 5000],
  [0, 1000],
  [60_000, 5000],
] as const)
  for (const fate of ['lost', 'mixed'] as const)
    for (const memory of ['forgotten', 'kept'] as const)
      test(`wherever the power fails, nothing acknowledged is lost: unsettled files ${fate}, memory ${memory}, published after ${publishAfter} ms, journal of ${journalBytes} bytes`, async () => {
        await everyStep({ publishAfter, journalBytes }, async (machine, told) => {
          let turn = 0
          const fates = ['lost', 'there', 'empty'] as const
          const choose = () => (fate === 'mixed' ? (fates[turn++ % 3] ?? 'empty') : fate)
          machine.failPower(choose, memory)
          await restartAndCheck(machine, told)
        })
      })

test('wherever the power fails while two processes append in turns, nothing acknowledged is lost', async () => {
  // Not every step of some hundred: each third, and another third for each number of entries.
  for (let at = 1; ; at += 3) {
    const machine = new Machine()
    let [count, dead] = [0, false]
    const death = Promise.withResolvers<never>()
    death.promise.catch(() => {})
    const step = (): void => {
      dead ||= ++count === at
      if (!dead) return
      // Who waits for the lock of a dead process waits for ever.
      death.reject(new Killed())
      throw new Killed()
    }
    const told: Acknowledged = { entries: new Map(), checkpoints: [] }
    try {
      const limits = { journalBytes: 1500 }
      const logs = [await machine.start(step, limits), await machine.start(step, limits)]
      for (let from = 0; from < 600; from += 37) {
        const batch = entries(from, 37)
        const log = logs[(from / 37) % 2] ?? assert.fail()
        const appended = Promise.all(batch.map((one) => log.append(one)))
        const receipts = await Promise.race([appended, death.promise])
        for (const [place, { index }] of receipts.entries())
          told.entries.set(index, batch[place] ?? assert.fail())
      }
      for (const log of logs) await Promise.race([log.close(), death.promise])
    } catch (problem) {
      if (!dead) throw problem
    }
    machine.failPower(() => 'lost')
    await restartAndCheck(machine, told)
    if (!dead) break
  }
})

test('a recovery that is killed anywhere is taken up by the next', async () => {
  for (const first of [7, 12, 19, 26, 31, 38, 45]) {
    for (let second = 1; ; second += 1) {
      const { machine, told } = await runKilledAt(first)
      machine.failPower(() => 'lost')
      const died = await diesAt(machine, second)
      machine.failPower(() => 'empty')
      await restartAndCheck(machine, told)
      if (!died) break
    }
  }
})

test('an entry that was remembered, of which nobody heard, is in the log after a restart', async () => {
  const machine = await killedAt('remembered')
  const storage = machine.disk.open()
  const remembered = await new RememberingSigner(machine.memory, 1).newest()
  assert.ok(remembered)
  const report = await verifyLog({ storage, ...machine.identity, remembered })
  assert.deepEqual([report.ok, report.size, report.pending], [true, 0, 1])
  const next = await machine.start()
  assert.equal(next.size, 1)
  assert.deepEqual(Buffer.from(await next.entry(0)), entry(0))
})

test('an entry that was staged is in the log after a restart, though no signer remembers it', async () => {
  const machine = await killedAt('remember')
  const next = await machine.start()
  assert.equal(next.size, 1)
  assert.equal((await next.append(entry(1))).index, 1)
  assert.deepEqual(Buffer.from(await next.entry(0)), entry(0))
})

test('a log that was closed has nothing to recover', async () => {
  const machine = new Machine()
  const log = await machine.start()
  await Promise.all(entries(0, 300).map((one) => log.append(one)))
  await log.close()
  machine.failPower(() => 'lost')
  const steps: Step[] = []
  const next = await machine.start((step) => steps.push(step))
  assert.deepEqual(steps, [])
  assert.equal(next.size, 300)
  assert.ok((await machine.verify()).ok)
})

/** Runs the story once for each step of it, killed there; gives the steps at which it was killed. */
async function everyStep(
  limits: Partial<LogLimits>,
  after: (machine: Machine, told: Acknowledged) => Promise<void>,
): Promise<Set<Step>> {
  const seen = new Set<Step>()
  for (let at = 1; ; at += 1) {
    const { machine, told, died } = await runKilledAt(at, limits)
    await after(machine, told)
    if (died === undefined) return seen
    seen.add(died)
  }
}

/** Appends the batches in a process that is killed at the step of this number. */
async function runKilledAt(at: number, limits: Partial<LogLimits> = {}) {
  const machine = new Machine()
  const told: Acknowledged = { entries: new Map(), checkpoints: [] }
  let count = 0
  let died: Step | undefined
  try {
    const log = await machine.start((step) => {
      if (++count !== at) return
      died = step
      throw new Killed()
    }, limits)
    let next = 0
    for (const size of batches) {
      const batch = entries(next, size)
      next += size
      const receipts = await Promise.all(batch.map((one) => log.append(one)))
      for (const [place, { index }] of receipts.entries())
        told.entries.set(index, batch[place] ?? assert.fail())
      if (told.checkpoints.at(-1) !== log.checkpoint()) told.checkpoints.push(log.checkpoint())
    }
    await log.close()
  } catch (problem) {
    // Settling beside the commits ends a log with the problem as its cause.
    if (died === undefined) throw problem
  }
  machine.disk.killAll()
  return { machine, told, died }
}

async function diesAt(machine: Machine, at: number): Promise<boolean> {
  let count = 0
  try {
    await machine.start(() => {
      if (++count === at) throw new Killed()
    })
    return false
  } catch (problem) {
    assert.ok(problem instanceof Killed)
    return true
  }
}

/** What is published is whole at any moment, and what was acknowledged is there or in the journal. */
async function checkAsItWasLeft(machine: Machine, told: Acknowledged): Promise<void> {
  if (!machine.disk.files.has('checkpoint')) return
  const report = await machine.verify(told.checkpoints)
  assert.deepEqual(report.problems, [])
  assert.equal(report.earlier, told.checkpoints.length)
}

async function restartAndCheck(machine: Machine, told: Acknowledged): Promise<void> {
  const log = await machine.start()
  for (const [index, bytes] of told.entries) {
    // Every entry is proven against the whole tree, which is slow: a few at each border are enough, and verify has all.
    if (index % 50 === 0) assert.deepEqual(Buffer.from(await log.entry(index)), bytes)
  }
  assert.ok(log.size >= told.entries.size)
  const { index } = await log.append(entry(9999))
  assert.equal(index, log.size - 1)
  await log.close()
  const report = await machine.verify(told.checkpoints)
  assert.deepEqual(report.problems, [])
  assert.equal(report.earlier, told.checkpoints.length)
}
