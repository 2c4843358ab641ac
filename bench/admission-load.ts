// What bench/measure-load.ts starts, in a process of its own: what it takes must not count for who answers.
import { Connection, postOf } from './connection.ts'
import { percentile } from './machine.ts'

/** What is sent, one body after the other. */
export interface Load {
  readonly address: string
  readonly ca: string
  readonly bodies: readonly string[]
  /** Requests per second, whether or not the ones before are answered; without it, 32 at a time. */
  readonly rate?: number
  readonly seconds?: number
  /** How many, instead of for how long. */
  readonly total?: number
  /** What every answer has to have. */
  readonly expect?: string
}

export interface Measured {
  readonly rate: number
  readonly p50: number
  readonly p99: number
  readonly failed: number
}

const atATime = 32
const connections = 64
const warmUp = 300
const warmUpMs = 8000
const leadMs = 2000

process.once('message', (load: Load) => {
  void run(load).then((measured) => {
    process.send?.(measured)
    process.disconnect()
  })
})

async function run(load: Load): Promise<Measured> {
  const { total, rate } = load
  const sender = await Sender.open(load)
  await closed(sender, (sent) => sent < (total === undefined ? warmUp : 0), connections)
  // This process has to be warm, too: what it needs at first, it takes from those who are measured.
  if (rate !== undefined && total === undefined)
    await open(sender, rate, performance.now() + warmUpMs)
  sender.times.length = 0
  sender.failed = 0
  globalThis.gc?.()
  // At a rate, counting begins while requests come as before: to begin anew is work, too.
  const started = performance.now() + (rate === undefined ? 0 : leadMs)
  sender.from = started
  const end = started + (load.seconds ?? 3600) * 1000
  if (rate === undefined)
    await closed(sender, (sent) => sent < (total ?? Infinity) && performance.now() < end)
  else await open(sender, rate, end)
  const taken = (performance.now() - started) / 1000
  sender.close()
  const { times, failed } = sender
  return {
    rate: times.length / taken,
    p50: percentile(times, 50),
    p99: percentile(times, 99),
    failed,
  }
}

class Sender {
  readonly times: number[] = []
  failed = 0
  /** What was due before does not count. */
  from = -Infinity
  readonly #requests: readonly Buffer[]
  readonly #expect: string
  readonly #all: readonly Connection[]
  /** Used in turn, so that none of them is idle for long. */
  readonly #free: Connection[]
  /** What is due while all connections are in use. */
  readonly #late: ((connection: Connection) => void)[] = []
  #next = 0

  private constructor({ address, bodies, expect = '' }: Load, all: readonly Connection[]) {
    const url = new URL('/admission/validate?timeout=10s', address)
    this.#requests = bodies.map((body) => postOf(url, body))
    this.#expect = expect
    this.#all = all
    this.#free = [...all]
  }

  /** All connections are made before anything is measured. */
  static async open(load: Load): Promise<Sender> {
    const opening = Array.from({ length: connections }, () =>
      Connection.open(new URL(load.address), load.ca),
    )
    return new Sender(load, await Promise.all(opening))
  }

  /** `due` is when it should have been sent: a late sender is waiting, too. */
  send(due = performance.now()): Promise<void> {
    const request = this.#requests[this.#next++ % this.#requests.length] ?? Buffer.alloc(0)
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#withConnection((connection) =>
      connection.ask(request, ({ status, body }) => {
        this.#giveBack(connection)
        if (due >= this.from) {
          this.times.push(performance.now() - due)
          if (status !== 200 || !body.includes(this.#expect)) this.failed += 1
        }
        resolve()
      }),
    )
    return promise
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }

  #withConnection(work: (connection: Connection) => void): void {
    const free = this.#free.shift()
    if (free === undefined) this.#late.push(work)
    else work(free)
  }

  #giveBack(connection: Connection): void {
    const late = this.#late.shift()
    if (late === undefined) this.#free.push(connection)
    else late(connection)
  }
}

/** Whoever was answered asks again. */
async function closed(
  sender: Sender,
  more: (sent: number) => boolean,
  count = atATime,
): Promise<void> {
  let sent = 0
  const one = async (): Promise<void> => {
    while (more(sent)) {
      sent += 1
      await sender.send()
    }
  }
  await Promise.all(Array.from({ length: count }, one))
}

/** So many a second, whatever becomes of them. */
async function open(sender: Sender, rate: number, end: number): Promise<void> {
  const started = performance.now()
  const running = new Set<Promise<void>>()
  for (let number = 0; performance.now() < end; number += 1) {
    const due = started + (number * 1000) / rate
    // Waiting in a loop would take one of the two cores from those who are measured.
    while (performance.now() < due) await new Promise((done) => setTimeout(done, 1))
    const one = sender.send(due).finally(() => running.delete(one))
    running.add(one)
  }
  await Promise.all(running)
}
