import { closeSync, constants, openSync } from 'node:fs'

import { quote, SallyportError } from '#error'

import type { OpenBlob } from './cell/unpack.ts'
import type { Blob } from './step.ts'

const firstInCell = 3

/** Files that the cell gets opened, not named: it could not reach the folders they are in. */
export class DescriptorTable {
  readonly #open: number[] = []

  /** In the order in which the cell gets them, beginning with 3. */
  get descriptors(): readonly number[] {
    return this.#open
  }

  /** Opens a file for reading; returns its number in the cell. */
  forReading(path: string): number {
    return this.#add(openSync(path, constants.O_RDONLY))
  }

  /** Makes a new file of the caller's and opens it for writing; returns its number in the cell. */
  forWriting(path: string): number {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW
    return this.#add(openSync(path, flags, 0o644))
  }

  blob(what: string, { path, sha256, size }: Blob): OpenBlob {
    try {
      return { fd: this.forReading(path), sha256, size }
    } catch (cause) {
      const found = cause instanceof Error ? cause.message : String(cause)
      throw new SallyportError(
        {
          code: 'WORKER_BLOB_MISMATCH',
          where: what,
          expected: `a file with sha256 ${sha256} at ${path}`,
          found: quote(found),
          fix: 'Build again: what is missing in the store is fetched and verified anew.',
        },
        { cause },
      )
    }
  }

  close(): void {
    for (const fd of this.#open.splice(0)) closeSync(fd)
  }

  #add(fd: number): number {
    this.#open.push(fd)
    return firstInCell + this.#open.length - 1
  }
}
