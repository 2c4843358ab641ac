import { sha256Hex } from '#document'
import type { BodyStore } from '../ports.ts'

/** Bodies in memory. */
export class MemoryBodies implements BodyStore {
  readonly bodies = new Map<string, Uint8Array>()

  async put(bytes: Uint8Array): Promise<string> {
    const digest = sha256Hex(bytes)
    this.bodies.set(digest, Uint8Array.from(bytes))
    return digest
  }

  async get(digest: string): Promise<Uint8Array | undefined> {
    return this.bodies.get(digest)
  }
}
