import type { Problem } from '#error'
import {
  hashLeaf,
  partialTiles,
  subtreeHash,
  tileNodes,
  tilePath,
  tileWidth,
  treeRoot,
  type TreeHead,
} from '#merkle'
import { diffEntries } from './diff-entries.ts'
import { explainFindings, type EntryFinding } from './finding.ts'
import { bundleMissing, entriesAltered, rootMismatch, tileAltered } from './problems.ts'
import { childOf, hashAt, type HashTile, type TileSource } from './tile-source.ts'

// Beyond this many bundles that differ, it is no more a question of which entry.
const maxDifferingBundles = 1000

/** Proves, from the signed root down, every tile and every entry of a tree, and says which are not what was signed. */
export async function verifyTree(tree: TreeHead, tiles: TileSource): Promise<Problem[]> {
  const walk = new TreeWalk(tree, tiles)
  return walk.run()
}

/** What is known of a tile: `proven` when the signed root leads to it. */
interface Known {
  readonly bytes: Uint8Array | undefined
  readonly proven: boolean
}

class TreeWalk {
  readonly #tree: TreeHead
  readonly #tiles: TileSource
  readonly #problems: Problem[] = []
  readonly #findings: EntryFinding[] = []
  #differing = 0

  constructor(tree: TreeHead, tiles: TileSource) {
    this.#tree = tree
    this.#tiles = tiles
  }

  async run(): Promise<Problem[]> {
    const edge = partialTiles(this.#tree.size)
    const known = await this.#proveEdge(edge)
    // The highest partial tile is the furthest to the left, so this is the order of the entries.
    for (const [at, tile] of [...edge.entries()].toReversed())
      await this.#descend(tile, known[at] ?? { bytes: undefined, proven: false })
    return [...this.#problems, ...explainFindings(this.#findings, this.#tree.size)]
  }

  /** The partial tiles at the right edge are proven by the signed root together. */
  async #proveEdge(edge: readonly HashTile[]): Promise<Known[]> {
    const stored = await Promise.all(edge.map((tile) => this.#tiles.read(tile)))
    if (await this.#leadToRoot(edge, stored))
      return stored.map((bytes) => ({ bytes, proven: true }))
    const rebuilt = await Promise.all(edge.map((tile) => this.#tiles.rebuild(tile)))
    if (await this.#leadToRoot(edge, rebuilt)) {
      for (const [at, tile] of edge.entries()) this.#noteRepair(tile, stored[at], rebuilt[at])
      return rebuilt.map((bytes) => ({ bytes, proven: true }))
    }
    for (const [at, tile] of edge.entries())
      if (stored[at] === undefined) this.#problems.push(tileAltered(tile, undefined))
    this.#problems.push(rootMismatch(this.#tree, await this.#rootOf(edge, stored)))
    return stored.map((bytes, at) => ({ bytes: bytes ?? rebuilt[at], proven: false }))
  }

  async #leadToRoot(edge: readonly HashTile[], bytes: readonly (Uint8Array | undefined)[]) {
    const root = await this.#rootOf(edge, bytes)
    return root !== undefined && Buffer.compare(root, this.#tree.root) === 0
  }

  async #rootOf(edge: readonly HashTile[], bytes: readonly (Uint8Array | undefined)[]) {
    if (bytes.includes(undefined)) return undefined
    const byPath = new Map(edge.map((tile, at) => [tilePath(tile), bytes[at]]))
    const { size } = this.#tree
    const nodes = tileNodes(size, async (tile) => byPath.get(tilePath(tile)) ?? new Uint8Array())
    return treeRoot(size, nodes)
  }

  async #descend(tile: HashTile, { bytes, proven }: Known): Promise<void> {
    if (tile.level === 0) return this.#compareEntries(tile, bytes, proven)
    if (bytes === undefined) return
    for (let at = 0; at < tile.width; at += 1) {
      const below = childOf(tile, at)
      await this.#descend(below, await this.#prove(below, hashAt(bytes, at)))
    }
  }

  /** A full tile must have the hash that the tile above has for it. */
  async #prove(tile: HashTile, expected: Uint8Array): Promise<Known> {
    const stored = await this.#tiles.read(tile)
    if (hasRoot(stored, expected)) return { bytes: stored, proven: true }
    const rebuilt = await this.#tiles.rebuild(tile)
    if (hasRoot(rebuilt, expected)) {
      this.#noteRepair(tile, stored, rebuilt)
      return { bytes: rebuilt, proven: true }
    }
    this.#tiles.distrust(tile)
    if (tile.level > 0 || stored === undefined) this.#problems.push(tileAltered(tile, stored))
    return { bytes: stored ?? rebuilt, proven: false }
  }

  #noteRepair(tile: HashTile, stored: Uint8Array | undefined, proven: Uint8Array | undefined) {
    if (proven === undefined || (stored !== undefined && Buffer.compare(stored, proven) === 0))
      return
    this.#problems.push(tileAltered(tile, stored))
    this.#tiles.repair(tile, proven)
  }

  async #compareEntries(
    tile: HashTile,
    bytes: Uint8Array | undefined,
    proven: boolean,
  ): Promise<void> {
    const entries = await this.#tiles.entries(tile)
    if (entries === undefined) {
      this.#problems.push(bundleMissing(tile))
      return
    }
    const found = entries.map(hashLeaf)
    const same = bytes !== undefined && Buffer.compare(Buffer.concat(found), bytes) === 0
    if (!proven && (same || bytes === undefined)) this.#problems.push(entriesAltered(tile))
    if (same || bytes === undefined) return
    this.#differing += 1
    if (this.#differing > maxDifferingBundles) return
    const expected = Array.from({ length: tile.width }, (_, at) => base64(hashAt(bytes, at)))
    const first = tile.index * tileWidth
    this.#findings.push(...diffEntries(first, expected, found.map(base64)))
  }
}

function hasRoot(tile: Uint8Array | undefined, expected: Uint8Array): boolean {
  return tile !== undefined && Buffer.compare(subtreeHash(tile, 0, tileWidth), expected) === 0
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
