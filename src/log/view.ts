import { quote, SallyportError } from '#error'
import {
  encodeTlogProof,
  hashLeaf,
  inclusionHolds,
  openCheckpoint,
  parseEntryBundle,
  proveConsistency,
  proveInclusion,
  tileNodes,
  tileWidth,
  tileWidthIn,
  treeRoot,
  type LogIdentity,
  type OpenedCheckpoint,
  type ReadTile,
} from '#merkle'
import { hasMark, type MarkedEntries, type Stretch } from './marked-entries.ts'
import type { LogStorage } from './ports.ts'
import { storedTiles } from './stored-tiles.ts'

/**
 * The log as one signed checkpoint has it. What it gives has been proven to be in that tree: an entry that was
 * altered on disk is refused with LOG_CORRUPT, never given.
 */
export class LogView {
  readonly checkpoint: OpenedCheckpoint
  readonly #readTile: ReadTile
  readonly #marked: Pick<MarkedEntries, 'stretches'> | undefined

  /** `marked` MUST know of nothing but what is in the tree of `checkpoint`, or of a larger one that extends it. */
  constructor(
    readTile: ReadTile,
    checkpoint: OpenedCheckpoint,
    marked?: Pick<MarkedEntries, 'stretches'>,
  ) {
    this.checkpoint = checkpoint
    this.#readTile = readTile
    this.#marked = marked
  }

  /** The same log as a newer checkpoint has it. */
  at(checkpoint: OpenedCheckpoint): LogView {
    return new LogView(this.#readTile, checkpoint, this.#marked)
  }

  /** How many entries there are. */
  get size(): number {
    return this.checkpoint.size
  }

  /** One entry. */
  async entry(index: number): Promise<Uint8Array> {
    this.#checkIndex(index)
    const { entries } = await this.#bundle(Math.floor(index / tileWidth))
    return entries[index % tileWidth] ?? new Uint8Array()
  }

  /**
   * The entries from `from` up to, and without, `to`, read a bundle at a time. With `having`, only those in which one of these
   * texts stands: most entries are something else, and need not be parsed, or even read, to know that.
   */
  async *entries(
    from = 0,
    to = this.size,
    having?: readonly string[],
  ): AsyncGenerator<PlacedEntry> {
    const end = Math.min(to, this.size)
    if (from >= end) return
    const looked = having && this.#marked?.stretches(from, end, having)
    for await (const { begin, past, entries } of this.#parts(looked ?? [[from, end]], having))
      for (const one of entries) if (one.index >= begin && one.index < past) yield one
  }

  /** The receipt of one entry: a `.tlog-proof` that can be verified offline, with nothing but the keys of the log. */
  async receipt(index: number): Promise<string> {
    this.#checkIndex(index)
    const entry = await this.entry(index)
    const hashes = await proveInclusion(index, this.size, tileNodes(this.size, this.#readTile))
    if (!inclusionHolds({ index, hash: hashLeaf(entry) }, this.checkpoint, hashes))
      throw this.#corrupt(index)
    return encodeTlogProof({ index, hashes, checkpoint: this.checkpoint.note })
  }

  /** The proof that this tree extends the one of the first `from` entries. */
  async consistency(from: number): Promise<Uint8Array[]> {
    return await proveConsistency(from, this.size, tileNodes(this.size, this.#readTile))
  }

  /** The root of the first `size` entries, as the tiles have it. */
  async rootAt(size: number): Promise<Uint8Array> {
    return await treeRoot(size, tileNodes(this.size, this.#readTile))
  }

  /** All entries of a bundle. The proof for the first one goes through every hash of its tile, so one proof vouches for all. */
  async #bundle(index: number): Promise<{ bytes: Uint8Array; entries: readonly Uint8Array[] }> {
    const place = { level: 'entries', index } as const
    const position = { ...place, width: tileWidthIn(this.size, place) }
    const bytes = await this.#readTile(position)
    const entries = parseEntryBundle(position, bytes)
    const leaves = Buffer.concat(entries.map(hashLeaf))
    const first = index * tileWidth
    const readTile: ReadTile = async (tile) =>
      tile.level === 0 && tile.index === index ? leaves : this.#readTile(tile)
    const proof = await proveInclusion(first, this.size, tileNodes(this.size, readTile))
    if (inclusionHolds({ index: first, hash: leaves.subarray(0, 32) }, this.checkpoint, proof))
      return { bytes, entries }
    throw this.#corrupt(first)
  }

  /** The bundles that have something of these stretches. One that has something of several is read once. */
  async *#parts(stretches: readonly Stretch[], having?: readonly string[]) {
    let read: { readonly number: number; readonly entries: readonly PlacedEntry[] } | undefined
    for (const [begin, past] of stretches)
      for (let number = Math.floor(begin / tileWidth); number * tileWidth < past; number += 1) {
        if (read?.number !== number) read = { number, entries: await this.#having(number, having) }
        yield { begin, past, entries: read.entries }
      }
  }

  /** Those entries of a bundle in which one of these texts stands; without texts, all. */
  async #having(number: number, marks?: readonly string[]): Promise<readonly PlacedEntry[]> {
    const { bytes, entries } = await this.#bundle(number)
    if (marks !== undefined && !hasMark(bytes, marks)) return []
    return entries
      .map((entry, at) => ({ index: number * tileWidth + at, entry }))
      .filter(({ entry }) => marks === undefined || hasMark(entry, marks))
  }

  #checkIndex(index: number): void {
    if (Number.isSafeInteger(index) && index >= 0 && index < this.size) return
    throw new SallyportError({
      code: 'LOG_ENTRY_UNKNOWN',
      where: `log ${quote(this.checkpoint.origin)}`,
      expected:
        this.size === 0 ? 'an entry, but the log has none' : `an index from 0 to ${this.size - 1}`,
      found: quote(index),
      fix: 'List the entries with `sallyport log show`, and use one of their indexes',
    })
  }

  #corrupt(index: number): SallyportError {
    return new SallyportError({
      code: 'LOG_CORRUPT',
      where: `log ${quote(this.checkpoint.origin)}, entries from ${index} on`,
      expected: `entries and tiles that lead to the signed root ${Buffer.from(this.checkpoint.root).toString('base64')} of size ${this.size}`,
      found: 'others',
      fix: 'Run `sallyport log verify` to see which entry was altered, then restore it from a copy of the log',
    })
  }
}

/** An entry, and its index in the log. */
export interface PlacedEntry {
  readonly index: number
  readonly entry: Uint8Array
}

/** Opens a log for reading, as its published checkpoint has it. Needs no signer and disturbs no writer. */
export async function openLogView(
  storage: Pick<LogStorage, 'read'>,
  log: LogIdentity,
): Promise<LogView> {
  const note = await storage.read(checkpointPath)
  if (note === undefined) throw noLog(log.origin)
  return new LogView(storedTiles(storage), openCheckpoint(Buffer.from(note).toString(), log))
}

/** Where C2SP tlog-tiles has the newest checkpoint. */
export const checkpointPath = 'checkpoint'

export function noLog(origin: string): SallyportError {
  return new SallyportError({
    code: 'LOG_NOT_FOUND',
    where: `log ${quote(origin)}`,
    expected: 'a checkpoint',
    found: 'no file "checkpoint"',
    fix: 'Run `sallyport init` to begin a log, or name the folder that has it',
  })
}
