import { hashChildren, hashSize, sameBytes } from './hash.ts'
import { readRanges, splitPoint, type Range, type ReadNodes } from './node.ts'
import { assertSize } from './size.ts'

/** A tree by its size and its root. */
export interface TreeHead {
  readonly size: number
  readonly root: Uint8Array
}

/** Whether two trees are one and the same: of the same size, with the same root. */
export function sameTree(a: TreeHead, b: TreeHead): boolean {
  return a.size === b.size && sameBytes(a.root, b.root)
}

/** Makes the proof that the leaf at `index` is in the tree of `size` leaves, from the leaf's sibling up (RFC 6962 §2.1.1). */
export async function proveInclusion(
  index: number,
  size: number,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  assertSize(size, 'a tree size')
  assertSize(index, 'a leaf index')
  if (index >= size) throw new TypeError(`a tree of ${size} leaves has no leaf ${index}`)
  const ranges: Range[] = []
  for (let [start, end] = [0, size]; end - start > 1;) {
    const middle = start + splitPoint(end - start)
    ranges.unshift(index < middle ? [middle, end] : [start, middle])
    if (index < middle) end = middle
    else start = middle
  }
  return readRanges(ranges, readNodes)
}

/** Makes the proof that the tree of `to` leaves begins with all of the tree of `from` leaves (RFC 6962 §2.1.2). */
export async function proveConsistency(
  from: number,
  to: number,
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  assertSize(from, 'a tree size')
  assertSize(to, 'a tree size')
  if (from > to) throw new TypeError(`a tree of ${to} leaves cannot extend one of ${from}`)
  if (from === 0) return []
  const ranges: Range[] = []
  let [start, end] = [0, to]
  while (from !== end) {
    const middle = start + splitPoint(end - start)
    ranges.unshift(from <= middle ? [middle, end] : [start, middle])
    if (from <= middle) end = middle
    else start = middle
  }
  // The verifier knows the root of the old tree; where the old tree is one subtree of the new, that is enough.
  if (start > 0) ranges.unshift([start, end])
  return readRanges(ranges, readNodes)
}

/** Whether the proof shows that the leaf is at `index` of the tree (RFC 9162 §2.1.3.2). */
export function inclusionHolds(
  leaf: { readonly index: number; readonly hash: Uint8Array },
  tree: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(leaf.index) || !isSize(tree.size) || leaf.index >= tree.size) return false
  if (!isHash(leaf.hash) || !proof.every(isHash)) return false
  const walk = new Walk(leaf.index, tree.size - 1)
  let root = leaf.hash
  for (const sibling of proof) {
    if (walk.atRoot) return false
    root = walk.siblingIsLeft() ? hashChildren(sibling, root) : hashChildren(root, sibling)
    walk.up()
  }
  return walk.atRoot && sameBytes(root, tree.root)
}

/**
 * Whether the proof shows that `to` extends `from` (RFC 9162 §2.1.4.2). Equal trees need no proof. Nothing is
 * proven about the empty tree, which every tree extends: whoever accepts a `from` of size 0 must say so itself.
 */
export function consistencyHolds(
  from: TreeHead,
  to: TreeHead,
  proof: readonly Uint8Array[],
): boolean {
  if (!isSize(from.size) || !isSize(to.size) || from.size === 0 || from.size > to.size) return false
  if (!proof.every(isHash)) return false
  if (from.size === to.size) return proof.length === 0 && sameBytes(from.root, to.root)
  return leadsToBoth(from, to, proof)
}

/** Follows the proof up from the last complete subtree of the old tree, to the root of the old tree and of the new. */
function leadsToBoth(from: TreeHead, to: TreeHead, proof: readonly Uint8Array[]): boolean {
  const walk = new Walk(from.size - 1, to.size - 1)
  walk.skipCompleteSubtree()
  const [first, ...rest] = walk.atLeftEdge ? [from.root, ...proof] : proof
  if (first === undefined) return false
  let [oldRoot, newRoot] = [first, first]
  for (const hash of rest) {
    if (walk.atRoot) return false
    if (walk.siblingIsLeft()) {
      oldRoot = hashChildren(hash, oldRoot)
      newRoot = hashChildren(hash, newRoot)
    } else newRoot = hashChildren(newRoot, hash)
    walk.up()
  }
  return walk.atRoot && sameBytes(oldRoot, from.root) && sameBytes(newRoot, to.root)
}

/** The way from a node up to the root: RFC 9162's `fn` and `sn`, in numbers up to 2^53, where `>>` would cut them. */
class Walk {
  #node: number
  #last: number

  constructor(node: number, last: number) {
    this.#node = node
    this.#last = last
  }

  get atRoot(): boolean {
    return this.#last === 0
  }

  get atLeftEdge(): boolean {
    return this.#node === 0
  }

  siblingIsLeft(): boolean {
    return this.#node % 2 === 1 || this.#node === this.#last
  }

  up(): void {
    // At the right edge, levels where the node has no sibling are skipped.
    if (this.#node === this.#last) while (this.#node % 2 === 0 && this.#node !== 0) this.#halve()
    this.#halve()
  }

  skipCompleteSubtree(): void {
    while (this.#node % 2 === 1) this.#halve()
  }

  #halve(): void {
    this.#node = Math.floor(this.#node / 2)
    this.#last = Math.floor(this.#last / 2)
  }
}

function isSize(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0
}

function isHash(bytes: Uint8Array): boolean {
  return bytes.length === hashSize
}
