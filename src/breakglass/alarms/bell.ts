import { Recent } from '#document'
import type { Sink } from '#events'
import { makeEvent, messageOf, type SecurityEvent } from './event.ts'
import type { Outbox, Pending } from './outbox.ts'

/** What rings, and who hears it. */
export interface Bell {
  /** Keeps the events until they are heard. Durable when it resolves: call it before anybody is answered. */
  ring(events: readonly SecurityEvent[]): Promise<void>
  /** Tries to tell what has not been heard and is due, once each, all sinks at a time. Never rejects for a sink. */
  deliver(options?: { readonly timeoutMs?: number; readonly all?: boolean }): Promise<void>
  /** What has not been heard, and why. */
  pending(): Promise<readonly Pending[]>
  events(): Promise<readonly SecurityEvent[]>
}

export interface BellOptions {
  readonly outbox: Outbox
  readonly sinks: readonly Sink[]
  /** The name of the log. */
  readonly origin: string
  readonly clock: () => Date
}

const timeoutMs = 10_000
/** An alarm that was not heard for so long rings elsewhere. */
const overdueMs = 5 * 60_000
const longestPauseMs = 5 * 60_000
/** Whoever lets the same in a thousand times a second must not ask the disk each time whether it has rung. */
const maxRung = 4096

export function openBell({ outbox, sinks, origin, clock }: BellOptions): Bell {
  const names = sinks.map(({ name }) => name)
  const rung = new Recent<Promise<void>>({ most: maxRung })
  const ringOnce = (event: SecurityEvent): Promise<void> => {
    const before = rung.get(event.id)
    if (before !== undefined) return before
    const putting = outbox.put(event, waitingFor(event, names))
    rung.set(event.id, putting)
    putting.catch(() => rung.delete(event.id))
    return putting
  }
  const deliverOne = async (one: Pending, sink: Sink, ms: number): Promise<void> => {
    try {
      await sink.send([messageOf(one.event)], { timeoutMs: ms })
      await outbox.delivered(one)
    } catch (error) {
      const now = clock().getTime()
      const pause = Math.min(1000 * 2 ** Math.min(one.attempts, 20), longestPauseMs)
      await outbox.failed(one, reasonOf(error), new Date(now + pause))
    }
  }
  return {
    async ring(events) {
      for (const event of events) await ringOnce(event)
    },
    async deliver(options = {}) {
      const now = clock()
      const pending = await outbox.pending()
      await handOver(pending, outbox, names)
      await Promise.all(
        sinks.map(async (sink) => {
          // One after the other at each sink: a flood of alarms is no flood of connections.
          for (const one of (await outbox.pending()).filter(({ sink: name }) => name === sink.name))
            if (options.all === true || isDue(one, now))
              await deliverOne(one, sink, options.timeoutMs ?? timeoutMs)
        }),
      )
      await escalate(await outbox.pending(), { outbox, names, origin, now })
    },
    pending: () => outbox.pending(),
    events: () => outbox.events(),
  }
}

/** Without anybody to tell, an emergency waits for somebody; what happens every day is only written down. */
function waitingFor({ type }: SecurityEvent, names: readonly string[]): readonly string[] {
  return names.length === 0 && type.startsWith('breakglass-') ? [''] : names
}

/** What rang when there was nobody to tell is told as soon as there is. */
async function handOver(
  pending: readonly Pending[],
  outbox: Outbox,
  names: readonly string[],
): Promise<void> {
  if (names.length === 0) return
  const orphans = pending.filter(({ sink }) => sink === '')
  for (const one of orphans) {
    for (const sink of names) await outbox.keep({ ...one, sink, attempts: 0 })
    await outbox.delivered(one)
  }
}

function isDue({ next }: Pending, now: Date): boolean {
  return next === undefined || Date.parse(next) <= now.getTime()
}

/** An alarm that one sink does not take rings at the others, once. */
async function escalate(
  pending: readonly Pending[],
  {
    outbox,
    names,
    origin,
    now,
  }: {
    readonly outbox: Outbox
    readonly names: readonly string[]
    readonly origin: string
    readonly now: Date
  },
): Promise<void> {
  for (const { event, sink, since, failure, attempts } of pending) {
    const age = now.getTime() - Date.parse(since)
    // An alarm about an alarm that is not heard either is not worth another.
    if (event.type === 'alarm-undelivered' || age < overdueMs || attempts === 0) continue
    const others = names.filter((name) => name !== sink)
    if (others.length === 0) continue
    const about = makeEvent(`${event.id} ${sink}`, {
      time: now.toISOString(),
      type: 'alarm-undelivered',
      severity: 'critical',
      origin,
      summary: `an alarm of ${event.time} is not heard by ${sink} (${failure ?? 'no answer'}): ${event.summary}`,
      about: event.id,
    })
    await outbox.put(about, others)
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an error'
  const { cause } = error
  return cause instanceof Error && cause.message !== ''
    ? `${error.message}: ${cause.message}`
    : error.message
}
