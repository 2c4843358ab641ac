import { splitAttestations } from '#attestation'
import type { EvidenceItem } from '#decision'
import { sha256Hex } from '#document'

export const maxItems = 2048
export const maxItemBytes = 64 * 1024 * 1024

/** What is gathered, each attestation once, within bounds. */
export class Collection {
  readonly #items = new Map<string, EvidenceItem>()
  #bytes = 0
  #isFull = false

  get items(): readonly EvidenceItem[] {
    return [...this.#items.values()]
  }

  /** Something found no room: nobody needs to fetch more. */
  get isFull(): boolean {
    return this.#isFull
  }

  /** Takes one attestation; false when there is no room for it. One that is there already needs none. */
  add(bytes: Uint8Array, source: string): boolean {
    const digest = sha256Hex(bytes)
    if (this.#items.has(digest)) return true
    if (this.#items.size >= maxItems || this.#bytes + bytes.length > maxItemBytes) {
      this.#isFull = true
      return false
    }
    this.#items.set(digest, { digest, source, bytes })
    this.#bytes += bytes.length
    return true
  }

  /** Takes every attestation of a document. */
  addAll(bytes: Uint8Array, source: string): { readonly found: number; readonly isFull: boolean } {
    const parts = splitAttestations(bytes)
    const isFull = parts.map((part) => this.add(part, source)).includes(false)
    return { found: parts.length, isFull }
  }
}

export const noRoom = `expected at most ${maxItems} attestations of ${maxItemBytes} bytes together, found more`
