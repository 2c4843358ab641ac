import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { isBusy } from './sqlite.ts'

/** The lock, while it is held. */
export interface TakenLock {
  /** Whether somebody waits for it, here or in another process. */
  isWanted(): boolean
  release(): void
}

/**
 * One holder at a time, across processes. Node cannot lock files itself; SQLite can, with fcntl locks, which the
 * kernel gives free when the process dies, even by `kill -9`, so that no lock is ever stale. (A file made with O_EXCL
 * would stay behind, a socket in the abstract namespace is not seen from another container, and a helper process
 * dies later than its parent.) Nothing is ever written to the two database files. Like all fcntl locks this needs a
 * file system that has them: local ones do, NFS only with a lock daemon.
 *
 * SQLite does not queue. Whoever wants the lock first takes the gate and keeps it until it has the lock; the holder
 * who lets go and asks again finds the gate taken, so nobody starves.
 */
export class FolderLock {
  readonly #gate: Exclusive
  readonly #lock: Exclusive
  /** The holders and waiters of this object, who would otherwise share its two connections. */
  #turn: Promise<void> = Promise.resolve()
  #waiters = 0

  constructor(folder: string) {
    this.#gate = new Exclusive(join(folder, 'gate'))
    this.#lock = new Exclusive(join(folder, 'lock'))
  }

  /** Waits for the lock; undefined when it was not free within `timeout` milliseconds. */
  async take(timeout: number): Promise<TakenLock | undefined> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const before = this.#turn
    this.#turn = promise
    this.#waiters += 1
    await before
    this.#waiters -= 1
    const until = performance.now() + timeout
    if (await waitFor(this.#gate, until)) {
      try {
        if (await waitFor(this.#lock, until))
          return {
            isWanted: () => this.#isWanted(),
            release: () => {
              this.#lock.release()
              resolve()
            },
          }
      } finally {
        this.#gate.release()
      }
    }
    resolve()
    return undefined
  }

  /** Of other processes only the first waits at the gate, and has it while it does. */
  #isWanted(): boolean {
    if (this.#waiters > 0) return true
    if (!this.#gate.tryTake()) return true
    this.#gate.release()
    return false
  }

  close(): void {
    this.#gate.close()
    this.#lock.close()
  }
}

/** An exclusive SQLite transaction used as nothing but a lock. */
class Exclusive {
  readonly #database: DatabaseSync
  readonly #begin: StatementSync
  readonly #rollback: StatementSync
  #ready = false

  constructor(path: string) {
    this.#database = new DatabaseSync(path, { timeout: 0 })
    this.#begin = this.#database.prepare('BEGIN EXCLUSIVE')
    this.#rollback = this.#database.prepare('ROLLBACK')
  }

  tryTake(): boolean {
    try {
      // Without a journal in memory SQLite would make and remove a journal file each time, though nothing is written.
      if (!this.#ready) this.#database.exec('PRAGMA journal_mode = MEMORY')
      this.#ready = true
      this.#begin.run()
      return true
    } catch (problem) {
      if (isBusy(problem)) return false
      throw problem
    }
  }

  release(): void {
    this.#rollback.run()
  }

  close(): void {
    this.#database.close()
  }
}

async function waitFor(exclusive: Exclusive, until: number): Promise<boolean> {
  for (let pause = 1; ; pause = Math.min(pause + 1, 5)) {
    if (exclusive.tryTake()) return true
    if (performance.now() >= until) return false
    await sleep(pause)
  }
}
