import {
  hashLeaf,
  hashSize,
  splitEntries,
  subtreeHash,
  tilePath,
  tileWidth,
  type TilePosition,
} from '#merkle'
import type { LogStorage } from '../ports.ts'

/** A place for a tile of hashes. */
export type HashTile = TilePosition & { readonly level: number }

/** Tiles as they are stored, and as they can be made again from what is below them. */
export class TileSource {
  readonly #storage: Pick<LogStorage, 'read'>
  /** Tiles that were found altered or missing, as they have been proven to be. */
  readonly #repaired = new Map<string, Uint8Array>()
  readonly #distrusted = new Set<string>()

  constructor(storage: Pick<LogStorage, 'read'>) {
    this.#storage = storage
  }

  repair(tile: HashTile, bytes: Uint8Array): void {
    this.#repaired.set(tilePath(tile), bytes)
  }

  /** Notes that a tile is wrong and cannot be made right, so that nothing can be told from it. */
  distrust(tile: HashTile): void {
    this.#distrusted.add(tilePath(tile))
  }

  isDistrusted(tile: HashTile): boolean {
    return this.#distrusted.has(tilePath(tile))
  }

  /** The tile as it is stored or has been repaired; undefined when there is none of the right size. */
  async read(tile: HashTile): Promise<Uint8Array | undefined> {
    const stored =
      this.#repaired.get(tilePath(tile)) ??
      (await this.#storage.read(tilePath(tile))) ??
      (await this.#storage.read(tilePath({ ...tile, width: tileWidth })))?.subarray(
        0,
        tile.width * hashSize,
      )
    return stored?.length === tile.width * hashSize ? stored : undefined
  }

  /** The entries of the bundle beside a level-0 tile, as many as can be read; undefined when there is no bundle. */
  async entries({ index, width }: HashTile): Promise<Uint8Array[] | undefined> {
    const place = { level: 'entries', index } as const
    const exact = await this.#storage.read(tilePath({ ...place, width }))
    if (exact !== undefined) return leadingEntries(exact)
    const full = await this.#storage.read(tilePath({ ...place, width: tileWidth }))
    return full === undefined ? undefined : leadingEntries(full).slice(0, width)
  }

  /** The tile as what is below it says it should be; undefined when that is not there. */
  async rebuild(tile: HashTile): Promise<Uint8Array | undefined> {
    if (tile.level === 0) {
      const entries = await this.entries(tile)
      return entries?.length === tile.width ? Buffer.concat(entries.map(hashLeaf)) : undefined
    }
    const hashes: Uint8Array[] = []
    for (let at = 0; at < tile.width; at += 1) {
      const below = childOf(tile, at)
      const bytes = await this.read(below)
      if (bytes === undefined) return undefined
      hashes.push(subtreeHash(bytes, 0, tileWidth))
    }
    return Buffer.concat(hashes)
  }
}

/** The full tile whose root is hash number `at` of this tile. */
export function childOf(tile: HashTile, at: number): HashTile {
  return { level: tile.level - 1, index: tile.index * tileWidth + at, width: tileWidth }
}

export function hashAt(tile: Uint8Array, at: number): Uint8Array {
  return tile.subarray(at * hashSize, (at + 1) * hashSize)
}

// A bundle that somebody has written may hold millions of tiny entries; a few too many are enough to see.
const enough = tileWidth + 64

function leadingEntries(bytes: Uint8Array): Uint8Array[] {
  const whole = splitEntries(bytes, enough)
  if (whole !== undefined) return whole
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Uint8Array[] = []
  for (let at = 0; at + 2 <= bytes.length && entries.length < enough;) {
    const end = at + 2 + view.getUint16(at)
    // What is left of an entry that was cut off counts as one: it is there, and it is another.
    entries.push(bytes.subarray(at + 2, Math.min(end, bytes.length)))
    at = end
  }
  return entries
}
