import { sign } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { SallyportError } from '#error'
import {
  encodeVerifierKey,
  openCheckpoint,
  parseSignerKey,
  refuseToSign,
  signCheckpoint,
  type CheckpointKey,
  type OpenedCheckpoint,
  type SigningRequest,
} from '#merkle'
import type { CheckpointSigner } from '../ports.ts'

/** The keys of the logs in tests: two seeds, so that every run has the same. */
export const testOrigin = 'log.example/decisions'
const skeys = [
  `PRIVATE+KEY+${testOrigin}+bb4e102e+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f`,
  `PRIVATE+KEY+${testOrigin}+fb4a5e0a+BiAhIiMkJSYnKCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/`,
]

/** The memory of a signer: where its newest checkpoint is kept. */
export interface SignerMemory {
  read(): string | undefined
  /** When it returns true a kill takes nothing away; false when another process has written since `read`. */
  write(note: string): boolean
  /** Durable when it returns. */
  settle?(): void
}

/** A real signer with known keys: it signs with both, and keeps to `refuseToSign`. */
export class RememberingSigner implements CheckpointSigner {
  readonly origin = testOrigin
  readonly verifierKeys: readonly string[]
  readonly journalKey = Buffer.alloc(32, 'journal')
  readonly #keys: readonly CheckpointKey[]
  readonly #memory: SignerMemory

  /** With only the first key it is some twenty times faster. */
  constructor(memory: SignerMemory, keys: 1 | 2 = 2) {
    this.#memory = memory
    this.#keys = skeys
      .slice(0, keys)
      .map(parseSignerKey)
      .map(({ key, privateKey }) => ({
        key,
        sign: (message: Uint8Array) => sign(null, message, privateKey),
      }))
    this.verifierKeys = this.#keys.map(({ key }) => encodeVerifierKey(key))
  }

  async newest(): Promise<OpenedCheckpoint | undefined> {
    return this.#newest()
  }

  async remember(request: SigningRequest): Promise<void> {
    this.#remember(request)
  }

  async sign(request: SigningRequest): Promise<string> {
    const note = this.#remember(request)
    this.#memory.settle?.()
    return note
  }

  #remember(request: SigningRequest): string {
    for (;;) {
      const problem = refuseToSign(this.#newest(), request, this.origin)
      if (problem !== undefined) throw new SallyportError(problem)
      const note = signCheckpoint({ origin: this.origin, ...request }, this.#keys, 1_700_000_000)
      if (this.#memory.write(note)) return note
    }
  }

  #newest(): OpenedCheckpoint | undefined {
    const note = this.#memory.read()
    const { origin, verifierKeys } = this
    return note === undefined ? undefined : openCheckpoint(note, { origin, verifierKeys })
  }
}

/**
 * Remembers in a folder, durably: the file with the highest number is the newest checkpoint, and the next number is taken
 * by link(2), so that of two processes that go on from the same one, one wins; also when it was stopped in between.
 */
export function fileMemory(folder: string): SignerMemory {
  const all = (): number[] => {
    mkdirSync(folder, { recursive: true })
    const numbers = readdirSync(folder).filter((name) => /^\d+$/.test(name))
    return numbers.map(Number).sort((a, b) => b - a)
  }
  const at = (number: number): string => join(folder, String(number))
  let read = 0
  return {
    read: () => {
      for (;;) {
        read = all()[0] ?? 0
        if (read === 0) return undefined
        try {
          return readFileSync(at(read), 'utf8')
        } catch {
          // Another process has gone on meanwhile.
        }
      }
    },
    write: (note) => {
      const unfinished = join(folder, `new-${process.pid}`)
      const file = openSync(unfinished, 'w')
      writeSync(file, note)
      fsyncSync(file)
      closeSync(file)
      try {
        linkSync(unfinished, at(read + 1))
      } catch {
        return false
      } finally {
        rmSync(unfinished)
      }
      const [newest = 0, ...older] = all()
      if (newest !== read + 1) {
        rmSync(at(read + 1), { force: true })
        return false
      }
      const handle = openSync(folder, 'r')
      fsyncSync(handle)
      closeSync(handle)
      for (const old of older) rmSync(at(old), { force: true })
      return true
    },
  }
}

/** Remembers as long as the test runs; `note` may be read and set. */
export class VolatileMemory implements SignerMemory {
  note: string | undefined
  #durable: string | undefined

  read(): string | undefined {
    return this.note
  }

  write(note: string): boolean {
    this.note = note
    return true
  }

  settle(): void {
    this.#durable = this.note
  }

  /** What was not settled is gone. */
  failPower(): void {
    this.note = this.#durable
  }
}
