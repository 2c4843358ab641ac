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
import type { LogStorage } from './ports.ts'
import { storedTiles } from './stored-tiles.ts'

/**
 * The log as one signed checkpoint has it. What it gives has been proven to be in that tree: an entry that was
 * altered on disk is refused with LOG_CORRUPT, never given.
 */
export class LogView {
  readonly checkpoint: OpenedCheckpoint
  readonly #readTile: ReadTile

  constructor(readTile: ReadTile, checkpoint: OpenedCheckpoint) {
    this.checkpoint = checkpoint
    this.#readTile = readTile
  }

  /** The same log as a newer checkpoint has it. */
  at(checkpoint: OpenedCheckpoint): LogView {
    return new LogView(this.#readTile, checkpoint)
  }

  /** How many entries there are. */
  get size(): number {
    return this.checkpoint.size
  }

  /** One entry. */
  async entry(index: number): Promise<Uint8Array> {
    this.#checkIndex(index)
    const entries = await this.#bundle(Math.floor(index / tileWidth))
    return entries[index % tileWidth] ?? new Uint8Array()
  }

  /** The entries from `from` up to, and without, `to`, read a bundle at a time. */
  async *entries(
    from = 0,
    to = this.size,
  ): AsyncGenerator<{ readonly index: number; readonly entry: Uint8Array }> {
    for (let index = from; index < Math.min(to, this.size);) {
      const first = index - (index % tileWidth)
      const entries = await this.#bundle(first / tileWidth)
      for (; index < Math.min(to, first + entries.length); index += 1)
        yield { index, entry: entries[index - first] ?? new Uint8Array() }
    }
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
  async #bundle(index: number): Promise<Uint8Array[]> {
    const place = { level: 'entries', index } as const
    const position = { ...place, width: tileWidthIn(this.size, place) }
    const entries = parseEntryBundle(position, await this.#readTile(position))
    const leaves = Buffer.concat(entries.map(hashLeaf))
    const first = index * tileWidth
    const readTile: ReadTile = async (tile) =>
      tile.level === 0 && tile.index === index ? leaves : this.#readTile(tile)
    const proof = await proveInclusion(first, this.size, tileNodes(this.size, readTile))
    if (inclusionHolds({ index: first, hash: leaves.subarray(0, 32) }, this.checkpoint, proof))
      return entries
    throw this.#corrupt(first)
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
