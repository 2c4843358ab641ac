import { quote, SallyportError } from '#error'
import { encodeEntry, parseEntryBundle } from './bundle.ts'
import { hashChildren, hashLeaf, hashSize, sameBytes } from './hash.ts'
import { foldRange, type NodePosition } from './node.ts'
import type { TreeHead } from './proof.ts'
import {
  checkTile,
  partialTiles,
  subtreeHash,
  tilePath,
  tileWidth,
  type ReadTile,
  type TilePosition,
} from './tile.ts'

/** A tile or entry bundle with its bytes. */
export interface Tile extends TilePosition {
  readonly bytes: Uint8Array
}

/**
 * The right edge of a tree: all that is needed to append to it and to say its root, a few tiles however
 * large the tree. An edge never changes; `extend` gives a new one.
 */
export class TreeEdge implements TreeHead {
  readonly size: number
  /** By height, the complete subtrees that make up the tree: one for each 1 in the binary form of `size`. */
  readonly #peaks: readonly (Uint8Array | undefined)[]
  /** By level, the hashes of the partial tile. */
  readonly #hashes: EdgeState['hashes']
  /**
   * The partial entry bundle, in pieces: putting it together for each edge would cost more than all the rest. Undefined for
   * who keeps entries elsewhere.
   */
  readonly #bundle: EdgeState['bundle']
  #root: Uint8Array | undefined

  private constructor(state: EdgeState) {
    this.size = state.size
    this.#peaks = state.peaks
    this.#hashes = state.hashes
    this.#bundle = state.bundle
  }

  /** The edge of the empty tree. */
  static readonly empty = new TreeEdge({ size: 0, peaks: [], hashes: [], bundle: [] })

  /** Reads the edge of the tree of `size` leaves. The caller MUST compare `root` with a root that is signed. */
  static async load(size: number, readTile: ReadTile): Promise<TreeEdge> {
    const partial = partialTiles(size)
    const bytes = await Promise.all(
      partial.map(async (tile) => checkTile(tile, await readTile(tile))),
    )
    const hashes: Uint8Array[][] = []
    const peaks: (Uint8Array | undefined)[] = []
    for (const [at, { level, width }] of partial.entries()) {
      const tile = bytes[at] ?? new Uint8Array()
      hashes[level] = splitHashes(tile)
      for (let bit = 0, end = width; bit < 8; bit += 1) {
        const count = 2 ** bit
        if (Math.floor(width / count) % 2 === 0) continue
        peaks[level * 8 + bit] = subtreeHash(tile, end - count, count)
        end -= count
      }
    }
    const bundle = await loadBundle(size, hashes[0] ?? [], readTile)
    return new TreeEdge({ size, peaks, hashes, bundle: [bundle] })
  }

  /** The root of the tree. */
  get root(): Uint8Array {
    this.#root ??= foldRange(this.#peaks.toReversed().filter((peak) => peak !== undefined))
    return this.#root
  }

  /** The same edge for who keeps entries elsewhere: it and those that extend it hold none, and make no bundles. */
  withoutBundles(): TreeEdge {
    return new TreeEdge({
      size: this.size,
      peaks: this.#peaks,
      hashes: this.#hashes,
      bundle: undefined,
    })
  }

  /**
   * The partial tiles of this edge, bundle included: what a reader of exactly this tree needs besides full tiles. With
   * `since`, only those that the tree of so many leaves had not.
   */
  partialTiles(since = 0): Tile[] {
    const hashes = partialTiles(this.size)
      .filter((one) => isNew(one, since))
      .map((tile) => ({ ...tile, bytes: Buffer.concat(this.#hashes[tile.level] ?? []) }))
    const [lowest] = hashes
    if (lowest?.level !== 0 || this.#bundle === undefined) return hashes
    return [{ ...lowest, level: 'entries', bytes: Buffer.concat(this.#bundle) }, ...hashes]
  }

  /** Appends entries. This edge stays as it is. */
  extend(entries: readonly Uint8Array[]): Extension {
    const growth = new Growth(this.size, this.#peaks, this.#hashes, this.#bundle)
    for (const entry of entries) growth.append(entry)
    const edge = new TreeEdge(growth.finish())
    return {
      edge,
      full: growth.full,
      tiles: () => [...growth.full, ...edge.partialTiles(this.size)],
      node: ({ height, index }) => growth.node(height, index) ?? this.#peak(height, index),
    }
  }

  #peak(height: number, index: number): Uint8Array | undefined {
    const width = 2 ** height
    return index === Math.floor(this.size / width) - 1 && Math.floor(this.size / width) % 2 === 1
      ? this.#peaks[height]
      : undefined
  }
}

/** What appending to an edge gives. */
export interface Extension {
  readonly edge: TreeEdge
  /** The tiles and bundles that have become full. */
  readonly full: readonly Tile[]
  /** Every tile and bundle that a tree of the new size has and the old one had not: those, and partial ones, put together now. */
  readonly tiles: () => readonly Tile[]
  /** The hash of a node that was made by appending or stood at the old edge: all that the consistency proof between the two needs. */
  readonly node: (position: NodePosition) => Uint8Array | undefined
}

interface EdgeState {
  readonly size: number
  readonly peaks: readonly (Uint8Array | undefined)[]
  readonly hashes: readonly (readonly Uint8Array[])[]
  readonly bundle: readonly Uint8Array[] | undefined
}

/** One `extend` under way: the only place where an edge is mutable. */
class Growth {
  readonly full: Tile[] = []
  #size: number
  readonly #peaks: (Uint8Array | undefined)[]
  /** By level, the hashes of the tile that is being filled. */
  readonly #hashes: Uint8Array[][]
  #entries: Uint8Array[] | undefined
  /** By height, the nodes made here, one after another, and the index of the first. */
  readonly #made: { readonly first: number; readonly hashes: Uint8Array[] }[] = []

  constructor(
    size: number,
    peaks: readonly (Uint8Array | undefined)[],
    hashes: EdgeState['hashes'],
    bundle: EdgeState['bundle'],
  ) {
    this.#size = size
    this.#peaks = [...peaks]
    // Array.from visits the holes that levels without a partial tile leave.
    this.#hashes = Array.from(hashes, (level) => [...(level ?? [])])
    this.#entries = bundle && [...bundle]
  }

  append(entry: Uint8Array): void {
    this.#entries?.push(encodeEntry(entry))
    let node = hashLeaf(entry)
    this.#addToTile(0, node)
    this.#note(0, node)
    // A binary counter: as long as there is a subtree of the same height to the left, both become one.
    let height = 0
    for (let rest = this.#size; rest % 2 === 1; rest = (rest - 1) / 2) {
      node = hashChildren(this.#peaks[height] ?? new Uint8Array(), node)
      this.#peaks[height] = undefined
      height += 1
      this.#note(height, node)
      if (height % 8 === 0) this.#addToTile(height / 8, node)
    }
    this.#peaks[height] = node
    this.#size += 1
  }

  node(height: number, index: number): Uint8Array | undefined {
    const made = this.#made[height]
    return made?.hashes[index - made.first]
  }

  finish(): EdgeState {
    return {
      size: this.#size,
      peaks: this.#peaks,
      hashes: this.#hashes,
      bundle: this.#entries,
    }
  }

  #note(height: number, node: Uint8Array): void {
    const made = (this.#made[height] ??= {
      first: Math.floor(this.#size / 2 ** height),
      hashes: [],
    })
    made.hashes.push(node)
  }

  #addToTile(level: number, hash: Uint8Array): void {
    const hashes = (this.#hashes[level] ??= [])
    hashes.push(hash)
    if (hashes.length < tileWidth) return
    // This leaf is number `size`; the tile that it completes ends with it.
    const index = Math.floor(this.#size / tileWidth ** (level + 1))
    if (level === 0 && this.#entries !== undefined) {
      this.full.push({
        level: 'entries',
        index,
        width: tileWidth,
        bytes: Buffer.concat(this.#entries),
      })
      this.#entries = []
    }
    this.full.push({ level, index, width: tileWidth, bytes: Buffer.concat(hashes) })
    this.#hashes[level] = []
  }
}

function isNew(tile: { level: number; index: number; width: number }, oldSize: number): boolean {
  const hashes = Math.floor(oldSize / tileWidth ** tile.level)
  return hashes < tile.index * tileWidth + tile.width
}

function splitHashes(tile: Uint8Array): Uint8Array[] {
  const hashes: Uint8Array[] = []
  for (let at = 0; at < tile.length; at += hashSize) hashes.push(tile.subarray(at, at + hashSize))
  return hashes
}

/** The partial bundle goes on into later bundles, so each of its entries is compared with its leaf hash first. */
async function loadBundle(
  size: number,
  leaves: readonly Uint8Array[],
  readTile: ReadTile,
): Promise<Uint8Array> {
  const width = size % tileWidth
  if (width === 0) return new Uint8Array()
  const position = { level: 'entries', index: Math.floor(size / tileWidth), width } as const
  const bundle = await readTile(position)
  for (const [at, entry] of parseEntryBundle(position, bundle).entries()) {
    const leaf = leaves[at] ?? new Uint8Array()
    if (sameBytes(hashLeaf(entry), leaf)) continue
    const index = position.index * tileWidth + at
    throw new SallyportError({
      code: 'LOG_ENTRY_ALTERED',
      where: `entry ${index} in ${quote(tilePath(position))}`,
      expected: `leaf hash ${Buffer.from(leaf).toString('base64')}`,
      found: Buffer.from(hashLeaf(entry)).toString('base64'),
      fix: `Restore ${quote(tilePath(position))} from a copy of the log, then run \`sallyport log verify\``,
    })
  }
  return bundle
}
