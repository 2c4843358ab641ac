import { setImmediate as turn } from 'node:timers/promises'
import type { EventName } from '#api'
import { SallyportError } from '#error'
import type { EventStream, Placed } from '#events'
import { openLogView, type BodyStore, type LogStorage, type LogView } from '#log'
import type { LogIdentity } from '#merkle'
import { eventsOfEntry } from './entry-events.ts'

export interface LogStreamParts {
  readonly storage: Pick<LogStorage, 'read'>
  readonly bodies: Pick<BodyStore, 'get'>
  readonly identity: LogIdentity
  readonly wants: (name: EventName) => boolean
}

/** A bundle of the log is proven as a whole: so many are read at a time, and no less. */
const portion = 256
/** After so many others have their turn: whoever waits for a decision must not wait for this. */
const atATime = 16

/** The log as everybody can read it, as a stream of events: each proven to be in the log, in its order. No append is waited for. */
export function logStream({ storage, bodies, identity, wants }: LogStreamParts): EventStream {
  const { origin } = identity
  const newest = newestView(storage, identity)
  return {
    name: `log ${origin}`,
    end: async () => (await newest()).size,
    async read(from) {
      const view = await newest()
      if (from > view.size) throw new SallyportError(behind(origin, from, view.size))
      const entryAt = (index: number): Promise<Uint8Array> => view.entry(index)
      const place = { origin, bodies, wants, entryAt }
      const messages: Placed[] = []
      const to = Math.min(view.size, from + portion - (from % portion))
      for await (const { index, entry } of view.entries(from, to)) {
        const events = await eventsOfEntry(entry, { ...place, index })
        // With the last of an entry the entry has been told.
        events.forEach((message, at) => {
          messages.push({ message, place: at === events.length - 1 ? index + 1 : index })
        })
        if (index % atATime === 0) await turn()
      }
      return { messages, next: to }
    },
  }
}

/** The newest published checkpoint; its signatures are verified once. */
function newestView(
  storage: Pick<LogStorage, 'read'>,
  identity: LogIdentity,
): () => Promise<LogView> {
  let known: { readonly note: Uint8Array; readonly view: LogView } | undefined
  return async () => {
    const note = await storage.read('checkpoint')
    if (known !== undefined && note !== undefined && Buffer.compare(note, known.note) === 0)
      return known.view
    const view = await openLogView(storage, identity)
    if (note !== undefined) known = { note, view }
    return view
  }
}

function behind(origin: string, from: number, size: number) {
  return {
    code: 'EVENTS_LOG_BEHIND' as const,
    where: `log ${origin}`,
    expected: `at least the ${from} entries of which events were told`,
    found: `${size}`,
    fix: 'See whether the log was put back (`sallyport log verify`, and its witnesses); if it is right as it is, remove the folder "events" of the home, and events are told from then on',
  }
}
