import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { SallyportError } from '#error'
import type { AppendOptions, EventStore, Message, Placed } from '#events'
import { isBusy, useWriteAheadLog } from './sqlite.ts'

/** Whoever is answered meanwhile waits as well: another process that does not let go of it must not hold this one for long. */
const busyMs = 250
const schema = `
  CREATE TABLE IF NOT EXISTS events (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL, time TEXT NOT NULL, name TEXT NOT NULL, severity TEXT NOT NULL, summary TEXT NOT NULL, body BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS places (
    sink TEXT NOT NULL, stream TEXT NOT NULL, place INTEGER NOT NULL, PRIMARY KEY (sink, stream)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS dropped (one INTEGER PRIMARY KEY CHECK (one = 1), count INTEGER NOT NULL) STRICT;
`

/**
 * Keeps events and places in a SQLite file (0600, in a folder of its own). The connection that adds events waits for the
 * disk, the other does not.
 *
 * @throws SallyportError EVENTS_STATE_FAILED
 */
export function openFileEvents(folder: string): EventStore {
  return trying(folder, () => new FileEvents(folder))
}

class FileEvents implements EventStore {
  readonly #folder: string
  readonly #queue: DatabaseSync
  readonly #rest: DatabaseSync
  #lock: DatabaseSync | undefined

  constructor(folder: string) {
    this.#folder = folder
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#queue = open(folder, 'FULL')
    this.#queue.exec(schema)
    this.#rest = open(folder, 'NORMAL')
  }

  append(messages: readonly Message[], { most, about }: AppendOptions): number {
    return this.#trying(() => {
      this.#queue.exec('BEGIN IMMEDIATE')
      try {
        let dropped = 0
        this.#tellDropped(most, about)
        for (const message of messages) if (!this.#add(message, most)) dropped += 1
        if (dropped > 0)
          this.#queue
            .prepare(
              'INSERT INTO dropped VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET count = count + excluded.count',
            )
            .run(dropped)
        this.#queue.exec('COMMIT')
        return dropped
      } catch (error) {
        if (this.#queue.isTransaction) this.#queue.exec('ROLLBACK')
        throw error
      }
    })
  }

  #add(message: Message, most: number): boolean {
    if (this.#waiting(this.#queue) >= most) return false
    this.#insert(message)
    return true
  }

  #tellDropped(most: number, about: AppendOptions['about']): void {
    const lost = this.#queue.prepare('SELECT count FROM dropped').get() as
      { readonly count: number } | undefined
    if (lost === undefined || this.#waiting(this.#queue) >= most) return
    this.#queue.exec('DELETE FROM dropped')
    this.#insert(about(lost.count))
  }

  #insert({ id, time, name, severity, summary, body }: Message): void {
    this.#queue
      .prepare(
        'INSERT INTO events (id, time, name, severity, summary, body) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(id, time, name, severity, summary, body)
  }

  read(after: number, limit: number): readonly Placed[] {
    return this.#trying(() => {
      const rows = this.#rest
        .prepare('SELECT * FROM events WHERE place > ? ORDER BY place LIMIT ?')
        .all(after, limit) as unknown as readonly (Message & { readonly place: number })[]
      return rows.map(({ place, ...message }) => ({ place, message: { ...message } }))
    })
  }

  end(): number {
    return this.#trying(() => {
      const row = this.#rest
        .prepare("SELECT seq FROM sqlite_sequence WHERE name = 'events'")
        .get() as { readonly seq: number } | undefined
      return row?.seq ?? 0
    })
  }

  forget(upTo: number): void {
    this.#trying(() => this.#rest.prepare('DELETE FROM events WHERE place <= ?').run(upTo))
  }

  waiting(): number {
    return this.#trying(() => this.#waiting(this.#rest))
  }

  /** Only the oldest are ever removed: nothing has to be counted. */
  #waiting(database: DatabaseSync): number {
    const { count } = database
      .prepare(
        'SELECT coalesce((SELECT max(place) FROM events) - (SELECT min(place) FROM events) + 1, 0) AS count',
      )
      .get() as { readonly count: number }
    return count
  }

  placeOf(sink: string, stream: string): number | undefined {
    return this.#trying(() => {
      const row = this.#rest
        .prepare('SELECT place FROM places WHERE sink = ? AND stream = ?')
        .get(sink, stream) as { readonly place: number } | undefined
      return row?.place
    })
  }

  keepPlace(sink: string, stream: string, place: number): void {
    this.#trying(() =>
      this.#rest
        .prepare(
          'INSERT INTO places VALUES (?, ?, ?) ON CONFLICT (sink, stream) DO UPDATE SET place = excluded.place',
        )
        .run(sink, stream, place),
    )
  }

  take(): boolean {
    if (this.#lock !== undefined) return true
    return this.#trying(() => {
      // Nothing is ever written to it: the kernel gives it free when the process dies.
      const lock = new DatabaseSync(join(this.#folder, 'lock'), { timeout: 0 })
      try {
        lock.exec('PRAGMA journal_mode = MEMORY')
        lock.exec('BEGIN EXCLUSIVE')
        this.#lock = lock
        return true
      } catch (error) {
        lock.close()
        if (isBusy(error)) return false
        throw error
      }
    })
  }

  close(): void {
    this.#lock?.close()
    this.#rest.close()
    this.#queue.close()
  }

  #trying<T>(work: () => T): T {
    return trying(this.#folder, work)
  }
}

function open(folder: string, synchronous: 'FULL' | 'NORMAL'): DatabaseSync {
  const file = join(folder, 'events.db')
  const database = new DatabaseSync(file, { timeout: busyMs })
  chmodSync(file, 0o600)
  useWriteAheadLog(database)
  database.exec(`PRAGMA synchronous = ${synchronous}`)
  return database
}

function trying<T>(folder: string, work: () => T): T {
  try {
    return work()
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'EVENTS_STATE_FAILED',
        where: folder,
        expected: 'to read and write which events wait, and how far each sink has come',
        found: cause instanceof Error ? cause.message.slice(0, 300) : 'an error',
        fix: `Make room on the disk, or give the gate the right to write in ${folder}; decisions are recorded all the same`,
      },
      { cause },
    )
  }
}
