import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { openLog, openLogView, verifyLog } from '#log'
import { openFileLogStorage } from '#store'
import { journalStart, parseJournal } from '../../src/log/journal.ts'
import { fileMemory, RememberingSigner } from '../../src/log/testing/remembering-signer.ts'

// Fewer kills keep `npm test` short; SALLYPORT_KILLS=1000 is the whole of it.
const kills = Number(process.env['SALLYPORT_KILLS'] ?? 300)
const killsInSeries = 50
const parallel = 2
// Loading is most of what a process does before it is killed. The folder is ours alone: what is in it is run.
const compileCache = mkdtempSync(join(tmpdir(), 'sallyport-crash-cache-'))
after(() => rmSync(compileCache, { recursive: true, force: true }))
const program = join(import.meta.dirname, 'appender.ts')
const env = { ...process.env, NODE_COMPILE_CACHE: compileCache }

test(`${kills} kill -9 at random moments lose nothing that was acknowledged`, async (t) => {
  assert.equal(spawnSync(process.execPath, [program], { env, stdio: 'ignore' }).status, 0)
  const lengths = Array.from({ length: Math.ceil(kills / killsInSeries) }, (_, at) =>
    Math.min(killsInSeries, kills - at * killsInSeries),
  )
  const queue = lengths.entries()
  let acknowledged = 0
  const work = async (): Promise<void> => {
    // Every third series has two processes that append to one log, of which one is killed while the other goes on.
    for (const [number, length] of queue)
      acknowledged += await new Series(number % 3 === 2 ? 2 : 1).run(length)
  }
  await Promise.all(Array.from({ length: parallel }, work))
  t.diagnostic(`${kills} kills, ${acknowledged} acknowledged entries`)
  assert.ok(acknowledged > kills)
})

/** One log, and what was ever said about it. */
class Series {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sallyport-crash-'))
  readonly #processes: number
  readonly #acknowledged = new Map<number, string>()
  readonly #checkpoints: string[] = []
  readonly #appenders: Appender[] = []
  #checked = 0

  constructor(processes: number) {
    this.#processes = processes
  }

  async run(length: number): Promise<number> {
    try {
      return await this.#run(length)
    } finally {
      for (const appender of this.#appenders) appender.dispose()
      rmSync(this.#folder, { recursive: true, force: true })
    }
  }

  async #run(length: number): Promise<number> {
    const running = Array.from({ length: this.#processes }, () => this.#start())
    let waiting = this.#start()
    for (const appender of running) appender.go()
    for (let killed = 0; killed < length; killed += 1) {
      const [victim] = running.splice(randomInt(running.length), 1)
      await victim?.killSomeTime()
      const before = new Map(this.#acknowledged)
      waiting.go()
      // Opening is what recovers; it may be killed at that, too, when its turn comes.
      if (randomInt(4) > 0) {
        await waiting.opened()
        await this.#check(before)
      }
      running.push(waiting)
      waiting = this.#start()
    }
    for (const appender of running) await appender.kill()
    await waiting.kill()
    await this.#checkAll()
    return this.#acknowledged.size
  }

  #start(): Appender {
    const appender = new Appender(this.#folder, `process ${this.#appenders.length}`, (answer) => {
      if (!('index' in answer)) {
        this.#checkpoints.push(answer.opened)
        return
      }
      assert.ok(!this.#acknowledged.has(answer.index), `index ${answer.index} was given twice`)
      this.#acknowledged.set(answer.index, answer.text)
      if (randomInt(10) === 0) this.#checkpoints.push(answer.checkpoint)
    })
    this.#appenders.push(appender)
    return appender
  }

  /** After a process has opened the log: what was acknowledged before, and not looked at yet, is there for everybody. */
  async #check(acknowledged: ReadonlyMap<number, string>): Promise<void> {
    const fresh = [...acknowledged].filter(([index]) => index >= this.#checked)
    if (fresh.length === 0) return
    const storage = openFileLogStorage(join(this.#folder, 'log'))
    const view = await openLogView(storage, this.#identity())
    const indexes = fresh.map(([index]) => index)
    for await (const { index, entry } of view.entries(
      Math.min(...indexes),
      Math.max(...indexes) + 1,
    )) {
      const text = acknowledged.get(index)
      if (text !== undefined) assert.equal(Buffer.from(entry).toString(), text)
    }
    assert.ok(view.size > Math.max(...indexes))
    this.#checked = Math.max(...indexes) + 1
    this.#checkpoints.push(view.checkpoint.note)
    await storage.close()
  }

  /** The whole log, against every checkpoint that anybody has seen. */
  async #checkAll(): Promise<void> {
    const storage = openFileLogStorage(join(this.#folder, 'log'))
    const signer = new RememberingSigner(this.#memory(), 1)
    const remembered = await signer.newest()
    assert.ok(remembered)
    const earlier = this.#checkpoints
    const verify = async () => verifyLog({ storage, ...this.#identity(), earlier, remembered })
    // As the dead have left it, and as the next process does.
    const left = await verify()
    assert.deepEqual(left.problems, [])
    // What was staged and not remembered belongs to the log, too.
    const journal = readFileSync(join(this.#folder, 'log', '.state', 'journal'))
    const last = parseJournal(journal, journalStart, signer.journalKey).records.at(-1)
    const staged = last?.kind === 'batch' && last.isSealed ? last.size + last.entries.length : 0
    const log = await openLog({ storage, signer })
    await log.close()
    const report = await verify()
    assert.deepEqual(report.problems, [])
    assert.equal(report.earlier, earlier.length + 1)
    assert.equal(report.size, Math.max(left.size + left.pending, staged))
    assert.equal(report.pending, 0)
    let found = 0
    for await (const { index, entry } of (await log.view()).entries()) {
      const text = this.#acknowledged.get(index)
      if (text === undefined) continue
      assert.equal(Buffer.from(entry).toString(), text)
      found += 1
    }
    assert.equal(found, this.#acknowledged.size)
    await storage.close()
  }

  #identity() {
    const { origin, verifierKeys } = new RememberingSigner(this.#memory(), 1)
    return { origin, verifierKeys }
  }

  #memory() {
    return fileMemory(join(this.#folder, 'memory'))
  }
}

type Answer =
  | { readonly opened: string }
  | { readonly index: number; readonly text: string; readonly checkpoint: string }

/** One process that appends. It is started ahead of its time, because loading takes longer than anything it does. */
class Appender {
  readonly #child
  readonly #ended: Promise<unknown>
  readonly #opened: Promise<void>
  #answers = 0
  #enough: { readonly answers: number; readonly resolve: () => void } | undefined

  constructor(folder: string, name: string, told: (answer: Answer) => void) {
    this.#child = spawn(process.execPath, [program, folder, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env,
    })
    this.#child.stdin.on('error', () => {})
    const lines = createInterface(this.#child.stdout)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#opened = promise
    lines.once('line', () => resolve())
    lines.on('line', (line) => {
      told(parseLine(line))
      this.#answers += 1
      if (this.#answers >= (this.#enough?.answers ?? Infinity)) this.#enough?.resolve()
    })
    this.#ended = Promise.all([once(this.#child, 'exit'), once(lines, 'close')])
  }

  /** Waits until the log is open, and so recovered. */
  async opened(): Promise<void> {
    const early = this.#ended.then(() => assert.fail('a process ended before it had the log open'))
    await Promise.race([this.#opened, early])
  }

  dispose(): void {
    this.#child.kill('SIGKILL')
  }

  go(): void {
    this.#child.stdin.write('go\n')
  }

  /** After a random number of answers, and then a random moment more; now and then while it is still opening the log. */
  async killSomeTime(): Promise<void> {
    if (randomInt(5) > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#enough = { answers: this.#answers + randomInt(1, 40), resolve }
      await Promise.race([promise, this.#ended])
    }
    await sleep(randomInt(8))
    await this.kill()
  }

  async kill(): Promise<void> {
    assert.equal(this.#child.exitCode, null, 'a process that appends does not end by itself')
    this.#child.kill('SIGKILL')
    await this.#ended
  }
}

function parseLine(line: string): Answer {
  const answer = JSON.parse(line) as Answer
  return answer
}
