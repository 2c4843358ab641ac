import { Recent, lasting } from '#document'
import type { Sink } from '#events'
import { makeEvent, messageOf, type SecurityEvent } from './event.ts'
import type { Outbox, Pending, Waiting } from './outbox.ts'

/** What rings, and who hears it. */
export interface Bell {
  /** Keeps the events until they are heard. Durable when it resolves: call it before anybody is answered. */
  ring(events: readonly SecurityEvent[]): Promise<void>
  /**
   * Tries to tell what has not been heard and is due, once each: all sinks at a time, none of which waits for another. What this
   * bell rang goes first, in that order; a sink that does not answer in time is left alone for the rest of it. Resolves when
   * each sink has been tried; never rejects for a sink.
   */
  deliver(options?: DeliverOptions): Promise<void>
  /** What has not been heard, and why. */
  pending(): Promise<readonly Pending[]>
  /** The same, and what cannot be told because it cannot be read. */
  waiting(): Promise<Waiting>
  events(): Promise<readonly SecurityEvent[]>
  /** Breaks off what is being told, and tells nothing more: what has not been heard waits for another bell. */
  stop(): void
}

export interface DeliverOptions {
  /** How long all of it may take; what is left waits. Default: as long as it takes. */
  readonly withinMs?: number
  /** Also what failed a moment ago. */
  readonly all?: boolean
}

export interface BellOptions {
  readonly outbox: Outbox
  readonly sinks: readonly Sink[]
  /** The name of the log. */
  readonly origin: string
  readonly clock: () => Date
}

const timeoutMs = 10_000
/** With less time than this there is no answer to be had. */
const leastMs = 50
/** An alarm that was not heard for so long rings elsewhere. */
const overdueMs = 5 * 60_000
const longestPauseMs = 5 * 60_000
/** Whoever lets the same in a thousand times a second must not ask the disk each time whether it has rung. */
const maxRung = 4096

export function openBell({ outbox, sinks, origin, clock }: BellOptions): Bell {
  const names = sinks.map(({ name }) => name)
  const rung = new Recent<{ readonly order: number; readonly putting: Promise<void> }>({
    most: maxRung,
  })
  const stopping = new AbortController()
  const { signal } = stopping
  let order = 0
  const putOnce: Put = (event, sinksOfEvent) => {
    const before = rung.get(event.id)
    if (before !== undefined) return before.putting
    const putting = outbox.put(event, sinksOfEvent, clock())
    rung.set(event.id, { order: (order += 1), putting })
    putting.catch(() => rung.delete(event.id))
    return putting
  }
  const rankOf = ({ event }: Pending): number => rung.get(event.id)?.order ?? Number.MAX_VALUE
  const ownFirst = (pending: readonly Pending[]): readonly Pending[] =>
    pending.toSorted((a, b) => rankOf(a) - rankOf(b))
  const sendOne = senderFor({ outbox, clock, signal })
  const tell = async (sink: Sink, { withinMs = Infinity, all }: DeliverOptions): Promise<void> => {
    if (signal.aborted) return
    const end = performance.now() + withinMs
    const now = clock()
    const own = (await outbox.pending()).filter((one) => one.sink === sink.name)
    const faults: unknown[] = []
    // One after the other at each sink: a flood of alarms is no flood of connections.
    for (const one of ownFirst(own)) {
      const ms = Math.min(timeoutMs, Math.floor(end - performance.now()))
      if (ms < leastMs) break
      if (all !== true && !isDue(one, now)) continue
      const { isLate, fault } = await sendOne(one, sink, ms)
      if (fault !== undefined) faults.push(fault)
      if (isLate) break
    }
    if (faults.length > 0) throw faults[0]
    const left = (await outbox.pending()).filter((one) => one.sink === sink.name)
    await escalate(left, sink, { put: putOnce, names, origin, now })
  }
  const tellers = sinks.map((sink) => oneAtATime((options: DeliverOptions) => tell(sink, options)))
  return {
    async ring(events) {
      for (const event of events) await putOnce(event, waitingFor(event, names))
    },
    async deliver(options = {}) {
      const end = performance.now() + (options.withinMs ?? Infinity)
      await handOver(await outbox.pending(), { outbox, names, end })
      await Promise.all(tellers.map((teller) => teller(options)))
    },
    pending: () => outbox.pending(),
    waiting: () => outbox.waiting(),
    events: () => outbox.events(),
    stop: () => stopping.abort(),
  }
}

/** Whether there was no answer in time, and why what came of it could not be written down. */
interface Sent {
  readonly isLate: boolean
  readonly fault?: unknown
}

type Send = (one: Pending, sink: Sink, ms: number) => Promise<Sent>

/** Tells one sink of one alarm, and notes what came of it. */
function senderFor({
  outbox,
  clock,
  signal,
}: Pick<BellOptions, 'outbox' | 'clock'> & { readonly signal: AbortSignal }): Send {
  // Heard, and still pending on a disk that cannot be written: nobody is told of it again and again.
  const told = new Recent<true>({ most: maxRung })
  return async (one, sink, ms) => {
    const key = `${one.event.id} ${one.sink}`
    const began = performance.now()
    try {
      if (told.get(key) === undefined)
        await sink.send([messageOf(one.event)], { timeoutMs: ms, signal })
    } catch (error) {
      // Who was broken off has not failed.
      if (signal.aborted) return { isLate: true }
      // Timers may be a little early.
      const isLate = performance.now() - began >= ms - 20
      const fault = await faultOf(outbox.failed(one, reasonOf(error), againAt(one, clock())))
      return { isLate, fault }
    }
    told.set(key, true)
    const fault = await faultOf(outbox.delivered(one))
    if (fault === undefined) told.delete(key)
    return { isLate: false, fault }
  }
}

async function faultOf(writing: Promise<void>): Promise<unknown> {
  return await writing.then(
    () => undefined,
    (error: unknown) => error,
  )
}

type Teller = (options: DeliverOptions) => Promise<void>

/** Does it again for whoever asks while it is being done: what they rang may have come too late for that. */
function oneAtATime(work: Teller): Teller {
  let running: Promise<void> | undefined
  let next: { readonly told: Promise<void>; options: DeliverOptions } | undefined
  const begin = (options: DeliverOptions): Promise<void> =>
    (running = work(options).finally(() => {
      running = undefined
    }))
  const again: Teller = (options) => {
    if (running === undefined) return begin(options)
    if (next !== undefined) {
      next.options = bothOf(next.options, options)
      return next.told
    }
    const told = running
      .catch(() => undefined)
      .then(() => {
        const wanted = next?.options ?? options
        next = undefined
        return again(wanted)
      })
    next = { told, options }
    return told
  }
  return again
}

/** What is enough for both. */
function bothOf(one: DeliverOptions, other: DeliverOptions): DeliverOptions {
  const { withinMs = Infinity, all = false } = one
  return {
    withinMs: Math.max(withinMs, other.withinMs ?? Infinity),
    all: all || other.all === true,
  }
}

/** Without anybody to tell, an emergency waits for somebody; what happens every day is only written down. */
function waitingFor({ type }: SecurityEvent, names: readonly string[]): readonly string[] {
  return names.length === 0 && type.startsWith('breakglass-') ? [''] : names
}

/**
 * What rang when there was nobody to tell is told as soon as there is; so is what waits for a sink that is no longer there, under
 * that name.
 */
async function handOver(
  pending: readonly Pending[],
  {
    outbox,
    names,
    end,
  }: { readonly outbox: Outbox; readonly names: readonly string[]; readonly end: number },
): Promise<void> {
  if (names.length === 0) return
  const waiting = new Set(pending.map(({ event, sink }) => `${event.id} ${sink}`))
  for (const one of pending.filter(({ sink }) => !names.includes(sink))) {
    if (performance.now() >= end) return
    const { event, since } = one
    for (const sink of names.filter((name) => !waiting.has(`${event.id} ${name}`)))
      await outbox.keep({ event, sink, since, attempts: 0 })
    await outbox.delivered(one)
  }
}

function againAt({ attempts }: Pending, now: Date): Date {
  return new Date(now.getTime() + Math.min(1000 * 2 ** Math.min(attempts, 20), longestPauseMs))
}

/** A clock that was set back must not keep anything waiting for longer than the longest pause. */
function isDue({ next }: Pending, now: Date): boolean {
  if (next === undefined) return true
  const left = Date.parse(next) - now.getTime()
  return left <= 0 || left > longestPauseMs
}

/**
 * An alarm that one sink does not take rings at the others: once for all sinks of the same way, lest each recipient of a mail
 * server that was away hears when it is back that the others have not.
 */
async function escalate(
  pending: readonly Pending[],
  { name, way = name }: Sink,
  { put, names, origin, now }: EscalateOptions,
): Promise<void> {
  const others = names.filter((one) => one !== name)
  if (others.length === 0) return
  for (const { event, since, failure, attempts } of pending) {
    const age = lasting(Date.parse(since), now.getTime())
    // An alarm about an alarm that is not heard either is not worth another.
    if (event.type === 'alarm-undelivered' || age < overdueMs || attempts === 0) continue
    const about = makeEvent(`${event.id} ${way}`, {
      time: now.toISOString(),
      type: 'alarm-undelivered',
      severity: 'critical',
      origin,
      summary: `an alarm of ${event.time} is not heard by ${name} (${failure ?? 'no answer'}): ${event.summary}`,
      about: event.id,
    })
    await put(about, others)
  }
}

/** Keeps an event for these sinks, unless it was rung. */
type Put = (event: SecurityEvent, sinks: readonly string[]) => Promise<void>

interface EscalateOptions {
  readonly put: Put
  readonly names: readonly string[]
  readonly origin: string
  readonly now: Date
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error'
  const { cause } = error
  return cause instanceof Error && cause.message !== ''
    ? `${error.message}: ${cause.message}`
    : error.message
}
