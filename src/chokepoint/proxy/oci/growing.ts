import type { FileHandle } from 'node:fs/promises'

const pieceBytes = 65_536

/** A file that somebody writes, and that others read from its beginning meanwhile, each at a pace of their own. */
export class Growing {
  readonly #file: FileHandle
  readonly #onError: (error: unknown) => void
  readonly #waiting = new Set<() => void>()
  #size = 0
  #users = 1
  #end: 'none' | 'whole' | 'cut' = 'none'

  /** The file is closed when it is written and nobody reads it any more. `onError` is told what the disk fails at. */
  constructor(file: FileHandle, onError: (error: unknown) => void) {
    this.#file = file
    this.#onError = onError
  }

  /** Whether nothing more is written, and it is not all. */
  get isCut(): boolean {
    return this.#end === 'cut'
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#file.writeFile(chunk)
    this.#size += chunk.length
    this.#wake()
  }

  /** Nothing more is written. */
  async end(how: 'whole' | 'cut'): Promise<void> {
    this.#end = how
    this.#wake()
    await this.#leave()
  }

  /** What is there and what comes, until nothing more is written, or the disk fails. Nothing when it is closed. */
  async *read(): AsyncGenerator<Uint8Array> {
    if (this.#users === 0) return
    this.#users += 1
    try {
      let at = 0
      for (;;) {
        const there = Math.min(this.#size - at, pieceBytes)
        if (there === 0 && this.#end !== 'none') return
        if (there === 0) await new Promise<void>((resolve) => this.#waiting.add(resolve))
        else {
          const piece = await this.#piece(at, there)
          if (piece.length === 0) return
          at += piece.length
          yield piece
        }
      }
    } finally {
      await this.#leave()
    }
  }

  /** Of a disk that fails nothing. */
  async #piece(position: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length)
    try {
      const { bytesRead } = await this.#file.read({ buffer, position })
      return buffer.subarray(0, bytesRead)
    } catch (error) {
      this.#onError(error)
      return new Uint8Array()
    }
  }

  #wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const go of waiting) go()
  }

  async #leave(): Promise<void> {
    this.#users -= 1
    if (this.#users === 0) await this.#file.close().catch(this.#onError)
  }
}
