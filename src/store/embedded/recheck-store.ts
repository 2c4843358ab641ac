import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { RecheckStore } from '#recheck'
import { absent, makeFolder, syncFolder, writeWhole } from './durable.ts'
import { FolderLock, type TakenLock } from './folder-lock.ts'

/** The turn of gates that share a home: a lock that the kernel gives free when its holder dies, and a file `note.json`. */
export function openFileRecheckStore(folder: string): RecheckStore {
  return new FolderRecheckStore(folder)
}

class FolderRecheckStore implements RecheckStore {
  readonly #folder: string
  readonly #file: string
  #lock: FolderLock | undefined
  #taken: TakenLock | undefined

  constructor(folder: string) {
    this.#folder = folder
    this.#file = join(folder, 'note.json')
  }

  async take(): Promise<boolean> {
    if (this.#taken !== undefined) return true
    await makeFolder(this.#folder, 0o700)
    this.#lock ??= new FolderLock(this.#folder)
    this.#taken = await this.#lock.take(0)
    return this.#taken !== undefined
  }

  async note(): Promise<Uint8Array | undefined> {
    return await readFile(this.#file).catch(absent)
  }

  async keep(note: Uint8Array): Promise<void> {
    if (this.#taken === undefined) return
    const how = { temporary: this.#folder, mode: 0o600, durable: true }
    await writeWhole(this.#file, note, how)
    await syncFolder(this.#folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#taken?.release()
    this.#taken = undefined
    this.#lock?.close()
    this.#lock = undefined
    await Promise.resolve()
  }
}
