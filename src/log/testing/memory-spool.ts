import type { SpoolStorage } from '../spool/ports.ts'
import { MemoryBodies } from './memory-bodies.ts'

/** A spool in memory: what a process leaves when it is killed is what the next one finds. */
export class MemorySpool implements SpoolStorage {
  readonly name = 'spool'
  file: Uint8Array = new Uint8Array()
  memory: string | undefined
  bodies = new MemoryBodies()
  /** Called before each deed; what it throws is what the disk says. */
  fail: (deed: 'append' | 'cut' | 'replace' | 'remember' | 'read') => void = () => undefined
  /** How much of an append is there when it fails. */
  tornAt = 0
  #taken = false

  /** The same disk, as another process sees it after this one was killed. */
  after(): MemorySpool {
    const next = new MemorySpool()
    next.file = this.file
    next.memory = this.memory
    for (const [digest, bytes] of this.bodies.bodies) next.bodies.bodies.set(digest, bytes)
    return next
  }

  take(): Promise<boolean> {
    this.#taken = true
    return Promise.resolve(this.#taken)
  }

  async read(): Promise<Uint8Array> {
    await this.#may('read')
    return this.file
  }

  async readAt(from: number, length: number): Promise<Uint8Array> {
    await this.#may('read')
    return this.file.subarray(from, from + length)
  }

  async append(bytes: Uint8Array): Promise<void> {
    try {
      await this.#may('append')
    } catch (problem) {
      this.file = Buffer.concat([this.file, bytes.subarray(0, this.tornAt)])
      throw problem
    }
    this.file = Buffer.concat([this.file, bytes])
  }

  async cut(length: number): Promise<void> {
    await this.#may('cut')
    this.file = this.file.slice(0, length)
  }

  async replace(bytes: Uint8Array): Promise<void> {
    await this.#may('replace')
    this.file = Uint8Array.from(bytes)
  }

  bodyBytes(): Promise<number> {
    return Promise.resolve(
      [...this.bodies.bodies.values()].reduce((sum, bytes) => sum + bytes.length, 0),
    )
  }

  clearBodies(): Promise<void> {
    this.bodies.bodies.clear()
    return Promise.resolve()
  }

  async remember(line: string): Promise<void> {
    await this.#may('remember')
    this.memory = line
  }

  remembered(): Promise<string | undefined> {
    return Promise.resolve(this.memory)
  }

  close(): Promise<void> {
    this.#taken = false
    return Promise.resolve()
  }

  async #may(deed: Parameters<MemorySpool['fail']>[0]): Promise<void> {
    await Promise.resolve()
    this.fail(deed)
  }
}
