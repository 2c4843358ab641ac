import { hash } from 'node:crypto'

/** Bytes of a SHA-256 hash. */
export const hashSize = 32

/** The root of a tree without entries: SHA-256 of nothing. */
export const emptyRoot: Uint8Array = hash('sha256', new Uint8Array(), 'buffer')

/** RFC 6962 §2.1: the hash of a leaf. */
export function hashLeaf(entry: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(1 + entry.length)
  prefixed.set(entry, 1)
  return hash('sha256', prefixed, 'buffer')
}

// One scratch buffer for all interior hashes: it is filled and hashed without a pause in between.
const pair = new Uint8Array(1 + 2 * hashSize)
pair[0] = 1

/** RFC 6962 §2.1: the hash of an interior node. */
export function hashChildren(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== hashSize || right.length !== hashSize)
    throw new TypeError(`a node has two children of ${hashSize} bytes`)
  pair.set(left, 1)
  pair.set(right, 1 + hashSize)
  return hash('sha256', pair, 'buffer')
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
