// What bench/measure-load.ts starts, in a process of its own: what it takes must not count for who answers.
import { Agent, request } from 'node:https'
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
  // All connections are made before anything is measured, and used in turn, so that none of them goes away meanwhile.
  const agent = new Agent({
    keepAlive: true,
    ca: load.ca,
    maxSockets: connections,
    maxFreeSockets: connections,
    scheduling: 'fifo',
  })
  const once = total === undefined ? warmUp : 0
  const sender = new Sender(load, agent)
  await closed(sender, (sent) => sent < once, connections)
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
  agent.destroy()
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
  readonly #load: Load
  readonly #agent: Agent
  #next = 0

  constructor(load: Load, agent: Agent) {
    this.#load = load
    this.#agent = agent
  }

  /** `due` is when it should have been sent: a late sender is waiting, too. */
  send(due = performance.now()): Promise<void> {
    const { bodies, address, expect = '' } = this.#load
    const body = bodies[this.#next++ % bodies.length] ?? ''
    const headers = { 'content-type': 'application/json', 'content-length': body.length }
    const options = { method: 'POST', agent: this.#agent, headers }
    return new Promise((done) => {
      const over = (ok: boolean): void => {
        if (due < this.from) return done()
        this.times.push(performance.now() - due)
        if (!ok) this.failed += 1
        done()
      }
      const sent = request(`${address}/admission/validate?timeout=10s`, options, (response) => {
        let text = ''
        response.setEncoding('latin1')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => over(response.statusCode === 200 && text.includes(expect)))
      })
      sent.on('error', () => over(false))
      sent.end(body)
    })
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
