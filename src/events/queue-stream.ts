import type { EventStore, EventStream } from './ports.ts'

/** What waits in a store, as a stream. A sink that is new hears what waits for others, too. */
export function queueStream(store: EventStore, name: string): EventStream {
  return {
    name,
    end: () => Promise.resolve(store.end() - store.waiting()),
    read: (from, limit) => {
      const messages = store.read(from, limit)
      return Promise.resolve({ messages, next: messages.at(-1)?.place ?? from })
    },
  }
}
