import { DatabaseSync } from 'node:sqlite'

/** The newest note, and how many there were before it. */
export interface Note {
  readonly generation: number
  readonly note: string
}

/** One note in a database, which several processes may replace. */
export interface Notes {
  newest(): Note
  /**
   * Replaces the note by what `next` makes of it, and gives it; what `next` throws changes nothing. When it returns, all
   * processes see it, and a kill of this one takes nothing away. `durably`: nor does a power failure, of this note and of all before.
   */
  replace(next: (newest: Note) => string, how: 'durably' | 'seen'): Note
}

/** Makes the database in an empty file; durable when it returns. */
export function beginNotes(path: string, note: string): void {
  const database = new DatabaseSync(path)
  try {
    // With a write-ahead log a change is one fsync. The mode stays with the file, and is chosen while nobody else has it
    // open: two who chose it at once would not wait for each other.
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL')
    database.exec(
      'CREATE TABLE memory (id INTEGER PRIMARY KEY CHECK (id = 0), generation INTEGER NOT NULL, note TEXT NOT NULL) STRICT',
    )
    database.prepare('INSERT INTO memory VALUES (0, 0, ?)').run(note)
  } finally {
    database.close()
  }
}

/** Opens such a database. */
export function openNotes(path: string): Notes {
  const database = new DatabaseSync(path, { timeout: 10_000 })
  const sync = syncing(database)
  const [begin, commit, rollback, select, update] = [
    'BEGIN IMMEDIATE',
    'COMMIT',
    'ROLLBACK',
    'SELECT generation, note FROM memory WHERE id = 0',
    'UPDATE memory SET generation = generation + 1, note = ? WHERE id = 0',
  ].map((text) => database.prepare(text))
  // The last one to close it leaves one file. A process that is killed does not, and the next one finishes its work.
  process.once('exit', () => database.close())
  const newest = (): Note => {
    const row = select?.get()
    if (typeof row?.['generation'] !== 'number' || typeof row['note'] !== 'string')
      throw new Error('there is no note in it')
    return { generation: row['generation'], note: row['note'] }
  }
  return {
    newest,
    replace(next, how) {
      sync(how)
      begin?.run()
      try {
        const there = newest()
        const note = next(there)
        update?.run(note)
        commit?.run()
        return { generation: there.generation + 1, note }
      } catch (cause) {
        if (database.isTransaction) rollback?.run()
        throw cause
      }
    },
  }
}

/** With NORMAL nobody waits for the disk when a change is added to the write-ahead log; with FULL, for all that is in it. */
function syncing(database: DatabaseSync): (how: 'durably' | 'seen') => void {
  let now: 'durably' | 'seen' | undefined
  return (how) => {
    if (how !== now) database.exec(`PRAGMA synchronous = ${how === 'durably' ? 'FULL' : 'NORMAL'}`)
    now = how
  }
}
