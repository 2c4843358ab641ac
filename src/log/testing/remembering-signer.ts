import { sign } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
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
  /** Durable when it returns. */
  write(note: string): void
}

/** A real signer with known keys: it signs with both, and keeps to `refuseToSign`. */
export class RememberingSigner implements CheckpointSigner {
  readonly origin = testOrigin
  readonly verifierKeys: readonly string[]
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

  async sign(request: SigningRequest): Promise<string> {
    const problem = refuseToSign(this.#newest(), request, this.origin)
    if (problem !== undefined) throw new SallyportError(problem)
    const note = signCheckpoint({ origin: this.origin, ...request }, this.#keys, 1_700_000_000)
    this.#memory.write(note)
    return note
  }

  #newest(): OpenedCheckpoint | undefined {
    const note = this.#memory.read()
    const { origin, verifierKeys } = this
    return note === undefined ? undefined : openCheckpoint(note, { origin, verifierKeys })
  }
}

/** Remembers in a file, durably. The lock of the log keeps two processes from doing so at a time. */
export function fileMemory(path: string): SignerMemory {
  return {
    read: () => {
      try {
        return readFileSync(path, 'utf8')
      } catch {
        return undefined
      }
    },
    write: (note) => {
      const file = openSync(`${path}.new`, 'w')
      writeSync(file, note)
      fsyncSync(file)
      closeSync(file)
      renameSync(`${path}.new`, path)
      const folder = openSync(dirname(path), 'r')
      fsyncSync(folder)
      closeSync(folder)
    },
  }
}

/** Remembers as long as the test runs; `note` may be read and set. */
export function volatileMemory(): SignerMemory & { note: string | undefined } {
  return {
    note: undefined,
    read() {
      return this.note
    },
    write(note) {
      this.note = note
    },
  }
}
