import type { DatabaseSync } from 'node:sqlite'

/** SQLITE_BUSY; the extended codes have it in their low byte. */
const busy = 5

/** Whether SQLite says that somebody else has the lock. */
export function isBusy(problem: unknown): boolean {
  return (
    problem instanceof Error &&
    'errcode' in problem &&
    typeof problem.errcode === 'number' &&
    (problem.errcode & 0xff) === busy
  )
}

/**
 * Gives a database a write-ahead log, with which a change is one fsync. The mode stays with the file.
 *
 * Two connections that change it at once are told that it is busy, without the wait that SQLite makes for everything
 * else; the one that is told so waits here until the other is done.
 */
export function useWriteAheadLog(database: DatabaseSync): void {
  for (let left = 10; ; left -= 1) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (problem) {
      if (!isBusy(problem) || left === 0) throw problem
      database.exec('BEGIN IMMEDIATE; ROLLBACK')
    }
  }
}
