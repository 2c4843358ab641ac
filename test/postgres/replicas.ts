import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { openLogView, verifyLog } from '#log'
import type { PostgresOptions } from '#store'
import { testIdentity, type Place } from './place.ts'

/** What replicas were answered, in all processes together. */
export class Told {
  readonly entries = new Map<number, string>()
  /** Of each process that still runs, and of each that was killed. */
  readonly refusals: string[] = []
  /** How many processes have opened the log. */
  opened = 0
  #newest = { index: -1, checkpoint: '' }

  note(line: string): void {
    // The last line of a process that was killed may be cut off; nobody has read it as an answer.
    if (!line.endsWith('}')) return
    const said = JSON.parse(line) as {
      index?: number
      text?: string
      checkpoint?: string
      refused?: string
      opened?: string
    }
    if (said.opened !== undefined) this.opened += 1
    if (said.refused !== undefined) this.refusals.push(said.refused)
    if (said.index === undefined || said.text === undefined) return
    assert.ok(!this.entries.has(said.index), `index ${said.index} was given twice`)
    this.entries.set(said.index, said.text)
    if (said.index > this.#newest.index)
      this.#newest = { index: said.index, checkpoint: said.checkpoint ?? '' }
  }

  /** Every answer is true, nothing is there twice, and the log verifies against the newest checkpoint that was told. */
  async check({ open, store: { log: store } }: Place): Promise<void> {
    // Whoever comes next finishes what was staged.
    const next = await open()
    await next.append(Buffer.from('the last one'))
    await next.view()
    const view = await openLogView(store, testIdentity())
    const texts = new Set<string>()
    for await (const { index, entry } of view.entries()) {
      const text = Buffer.from(entry).toString()
      assert.ok(!texts.has(text), `${text} is there twice`)
      texts.add(text)
      const told = this.entries.get(index)
      if (told !== undefined) assert.equal(text, told, `entry ${index}`)
    }
    const lost = [...this.entries.keys()].filter((index) => index >= view.size)
    assert.deepEqual(lost, [], 'nothing that was answered is lost')
    const earlier = this.#newest.checkpoint === '' ? [] : [this.#newest.checkpoint]
    const report = await verifyLog({ ...testIdentity(), storage: store, earlier })
    assert.deepEqual(report.problems, [])
  }

  /** Waits until this many processes have opened the log: one that cannot open it ends, as it should. */
  async all(count: number): Promise<void> {
    const until = performance.now() + 20_000
    while (this.opened < count) {
      assert.ok(performance.now() < until, `${this.opened} of ${count} have opened the log`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  /** Waits until this many answers more have come. */
  async more(count: number): Promise<void> {
    const wanted = this.entries.size + count
    const until = performance.now() + 20_000
    while (this.entries.size < wanted) {
      assert.ok(performance.now() < until, `no answers: ${this.refusals.slice(-3).join('; ')}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
}

/** A process that appends. */
export class Replica {
  static readonly #all = new Set<ChildProcess>()
  readonly #child: ChildProcess
  readonly ended: Promise<unknown>

  constructor(options: PostgresOptions, memory: string, name: string, told: Told) {
    this.#child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'appender.ts'), JSON.stringify(options), memory, name],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    Replica.#all.add(this.#child)
    this.ended = once(this.#child, 'exit')
    createInterface({ input: this.#child.stdout ?? process.stdin }).on('line', (line) =>
      told.note(line),
    )
  }

  /** Ends what a test that failed has left: one that is stopped would otherwise keep everybody waiting. */
  static endAll(): void {
    for (const child of Replica.#all) child.kill('SIGKILL')
  }

  begin(): void {
    this.#child.stdin?.write('go\n')
  }

  async kill(): Promise<void> {
    assert.deepEqual([this.#child.exitCode, this.#child.signalCode], [null, null], 'it still ran')
    this.#child.kill('SIGKILL')
    await this.ended
    // What it had said may still be on its way.
    await new Promise((resolve) => setTimeout(resolve, 10))
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }
}
