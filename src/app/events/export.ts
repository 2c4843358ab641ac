import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { eventSeverities, eventTypes, type EventName, type SecurityEventData } from '#api'
import { lasting } from '#document'
import type { Config, EventSinkConfig } from '#config'
import type { Problem } from '#error'
import {
  cut,
  queueStream,
  Shipment,
  type EventStore,
  type EventStream,
  type Message,
} from '#events'
import type { Journal, Metrics } from '#server'
import { openFileEvents } from '#store'
import { makeMessage } from './event.ts'
import { measureExport } from './export-metrics.ts'
import { sinkOf } from './sinks.ts'

/** Events on their way out. */
export interface EventExport extends AsyncDisposable {
  /** Keeps an event of the gate until every sink has taken it. Never throws: what cannot be kept is counted and told. */
  tell(name: EventName, data: SecurityEventData, key?: string): void
  /** The same for several at once, which wait for the disk once. */
  tellAll(name: EventName, all: readonly SecurityEventData[]): void
  /** Tells what a stream holds, from where it was left, or from now on; `size` is how far it goes by now. */
  follow(
    make: (wants: (name: EventName) => boolean) => EventStream,
    size?: () => number,
  ): Promise<void>
  /** Waits until everything has been told, or for so long. Never rejects. */
  settle(ms: number): Promise<void>
  /** What somebody has to look at. */
  warnings(): readonly Problem[]
}

export interface EventExportParts {
  readonly config: Pick<Config, 'events' | 'log'>
  readonly clock: () => Date
  readonly journal: Journal
  readonly metrics: Metrics
}

const nothing: EventExport = {
  tell: () => undefined,
  tellAll: () => undefined,
  follow: () => Promise.resolve(),
  settle: () => Promise.resolve(),
  warnings: () => [],
  [Symbol.asyncDispose]: () => Promise.resolve(),
}

/**
 * Begins to tell what happens to the sinks that the configuration names. Of gates that share a home one tells for all.
 *
 * @throws SallyportError EVENTS_STATE_FAILED
 */
export async function openEventExport(parts: EventExportParts): Promise<EventExport> {
  if (parts.config.events.sinks.length === 0) return nothing
  const opened = new Export(parts)
  await opened.begin()
  return opened
}

const lookMs = 1000

class Export implements EventExport {
  readonly #parts: EventExportParts
  readonly #store: EventStore
  readonly #shipments: readonly { readonly shipment: Shipment; readonly sink: EventSinkConfig }[]
  readonly #timer: NodeJS.Timeout
  #lost = 0
  /** Events that could not even be counted on the disk. */
  #unkept = 0
  /** Whether it may be that events were dropped of which nobody has been told. */
  #owes = true
  #isTelling = false
  #isClosed = false
  /** Which sinks do not take anything, as far as the journal has been told. */
  readonly #failing = new Set<string>()

  constructor(parts: EventExportParts) {
    this.#parts = parts
    const { events } = parts.config
    const { clock, metrics } = parts
    this.#store = openFileEvents(events.folder)
    this.#shipments = events.sinks.map((sink) => {
      const { name } = sink
      const wants = ({ name }: Message): boolean => isWanted(sink, name as EventName)
      const way = sinkOf(sink, clock)
      return { sink, shipment: new Shipment({ name, sink: way, store: this.#store, wants, clock }) }
    })
    measureExport(metrics, {
      shipments: () => this.#shipments.map(({ shipment }) => shipment),
      waiting: () => orNothing(() => this.#store.waiting()),
      lost: () => this.#lost,
      clock,
    })
    this.#timer = setInterval(() => this.#look(), lookMs)
    this.#timer.unref()
  }

  tell(name: EventName, data: SecurityEventData, key: string = randomUUID()): void {
    this.#tell(name, [{ data, key }])
  }

  tellAll(name: EventName, all: readonly SecurityEventData[]): void {
    this.#tell(
      name,
      all.map((data) => ({ data, key: randomUUID() })),
    )
  }

  #tell(
    name: EventName,
    all: readonly { readonly data: SecurityEventData; readonly key: string }[],
  ): void {
    const { journal } = this.#parts
    const isHeard = this.#shipments.some(({ sink }) => isWanted(sink, name))
    if (this.#isClosed || !isHeard || all.length === 0) return
    const unkept = this.#unkept
    try {
      if (unkept > 0 && this.#keep([this.#lostMessage(unkept)]) === 0) this.#unkept = 0
      this.#keep(all.map(({ data, key }) => this.#make(name, data, key)))
    } catch (error) {
      this.#unkept += all.length
      this.#lost += all.length
      if (unkept === 0) journal.error('events cannot be kept', error)
    }
    for (const { shipment } of this.#shipments) shipment.poke()
  }

  /** Gives how many were dropped. */
  #keep(messages: readonly Message[]): number {
    const most = this.#parts.config.events.maxWaiting
    const dropped = this.#store.append(messages, { most, about: (n) => this.#lostMessage(n) })
    this.#lost += dropped
    this.#owes = dropped > 0
    return dropped
  }

  #make(name: EventName, data: SecurityEventData, key: string): Message {
    const { config, clock } = this.#parts
    const host = cut(hostname(), 255)
    return makeMessage(name, {
      key,
      time: clock().toISOString(),
      origin: config.log.origin,
      data: { ...data, host },
    })
  }

  #lostMessage(lost: number): Message {
    const summary = `${lost} ${lost === 1 ? 'event was' : 'events were'} dropped: too many waited, or they could not be written`
    return this.#make('events.lost', { summary, lost }, randomUUID())
  }

  async follow(
    make: (wants: (name: EventName) => boolean) => EventStream,
    size?: () => number,
  ): Promise<void> {
    const { metrics } = this.#parts
    let name = ''
    for (const { shipment, sink } of this.#shipments) {
      const stream = make((event) => isWanted(sink, event))
      name = stream.name
      await shipment.follow(stream)
    }
    if (size === undefined) return
    metrics.readings('gauge', {
      name: 'sallyport_events_log_lag_entries',
      help: 'Entries of the log of which a sink has not been told',
      label: 'sink',
      read: () =>
        this.#shipments.map(({ shipment }) => [
          shipment.name,
          Math.max(0, size() - orNothing(() => this.#store.placeOf(shipment.name, name) ?? 0)),
        ]),
    })
  }

  /** Begins as soon as nobody else does, and lets go of what every sink has taken. */
  #look(): void {
    try {
      if (!this.#isTelling && this.#store.take()) {
        this.#isTelling = true
        for (const { shipment } of this.#shipments) shipment.start()
      }
      if (this.#isTelling) this.#forget()
      this.#journal()
    } catch (error) {
      this.#parts.journal.error('events cannot be told', error)
    }
  }

  /** Once when a sink stops taking events, and once when it takes them again. */
  #journal(): void {
    const { journal } = this.#parts
    for (const { shipment } of this.#shipments) {
      const { name: sink, standing } = shipment
      const { failure } = standing
      if (failure === undefined && this.#failing.delete(sink))
        journal.write('info', 'events are taken again', { sink })
      if (failure === undefined || this.#failing.has(sink)) continue
      this.#failing.add(sink)
      journal.write('warn', 'events are not taken', { sink, failure })
    }
  }

  #forget(): void {
    const places = this.#shipments.map(({ shipment }) => this.#store.placeOf(shipment.name, queue))
    this.#store.forget(Math.min(...places.map((place) => place ?? 0)))
    if (this.#owes && this.#store.waiting() < this.#parts.config.events.maxWaiting) this.#keep([])
  }

  async begin(): Promise<void> {
    await this.follow(() => queueStream(this.#store, queue))
    this.#look()
  }

  async settle(ms: number): Promise<void> {
    const end = performance.now() + ms
    try {
      while (this.#isTelling && performance.now() < end) {
        for (const { shipment } of this.#shipments) shipment.poke()
        // Nobody waits for one that does not take anything.
        const working = this.#shipments.filter(({ shipment: { standing } }) => {
          return standing.failure === undefined
        })
        const done = await Promise.all(working.map(({ shipment }) => shipment.isDone()))
        if (done.every(Boolean)) return
        await wait(20)
      }
    } catch (error) {
      this.#parts.journal.error('events cannot be told', error)
    }
  }

  warnings(): readonly Problem[] {
    const { clock, config } = this.#parts
    const { warnAfterMs } = config.events
    const now = clock().getTime()
    const late = this.#shipments.flatMap(({ shipment: { name, standing } }) => {
      const { since, failure = 'it is slow' } = standing
      const isLate = since !== undefined && lasting(since.getTime(), now) >= warnAfterMs
      return isLate ? [undelivered(name, since, failure)] : []
    })
    return [...late, ...(this.#lost > 0 ? [lost(this.#lost)] : [])]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    clearInterval(this.#timer)
    await Promise.all(this.#shipments.map(({ shipment }) => shipment.close()))
    this.#store.close()
  }
}

const queue = 'gate'

function isWanted({ kinds, minimumSeverity }: EventSinkConfig, name: EventName): boolean {
  const { kind, severity } = eventTypes[name]
  const least = eventSeverities.indexOf(minimumSeverity)
  return kinds.includes(kind) && eventSeverities.indexOf(severity) >= least
}

/** A store that cannot be read must not take the other metrics along; what is wrong with it is told by whoever needs it. */
function orNothing(read: () => number): number {
  try {
    return read()
  } catch {
    return Number.NaN
  }
}

function undelivered(sink: string, since: Date, failure: string): Problem {
  return {
    code: 'EVENTS_UNDELIVERED',
    where: `events.sinks ${sink}`,
    expected: 'every event to be taken soon',
    found: `what happened at ${since.toISOString()} waits: ${failure}`,
    fix: `Make "${sink}" take events again: it gets everything then, in order. Decisions go on meanwhile`,
  }
}

function lost(count: number): Problem {
  return {
    code: 'EVENTS_LOST',
    where: 'events',
    expected: 'room for every event',
    found: `${count} dropped since this gate started`,
    fix: 'Make the sinks take events again, and see events.maxWaiting and the room on the disk; no decision is missing',
  }
}
