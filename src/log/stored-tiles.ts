import { SallyportError } from '#error'
import {
  encodeEntry,
  hashSize,
  splitEntries,
  tilePath,
  tileWidth,
  type ReadTile,
  type TilePosition,
} from '#merkle'
import type { LogStorage } from './ports.ts'

const maxCached = 256

/**
 * Reads tiles from storage. A partial tile may have been removed once the full one was there, and the full one
 * begins with it (C2SP tlog-tiles, partial tiles).
 */
export function storedTiles(storage: Pick<LogStorage, 'read'>): ReadTile {
  const cache = new Map<string, Uint8Array>()
  return async (position) => {
    const path = tilePath(position)
    const cached = cache.get(path)
    if (cached !== undefined) return cached
    const bytes = (await storage.read(path)) ?? (await readFromFull(storage, position))
    if (bytes === undefined) throw missing(path)
    if (position.level !== 'entries') remember(cache, path, bytes)
    return bytes
  }
}

async function readFromFull(
  storage: Pick<LogStorage, 'read'>,
  position: TilePosition,
): Promise<Uint8Array | undefined> {
  if (position.width === tileWidth) return undefined
  const full = await storage.read(tilePath({ ...position, width: tileWidth }))
  if (full === undefined || position.level !== 'entries')
    return full?.subarray(0, position.width * hashSize)
  const entries = splitEntries(full) ?? []
  return Buffer.concat(entries.slice(0, position.width).map(encodeEntry))
}

/** Tiles never change, so the oldest goes when there are too many. */
function remember(cache: Map<string, Uint8Array>, path: string, bytes: Uint8Array): void {
  cache.set(path, bytes)
  const [oldest] = cache.keys()
  if (cache.size > maxCached && oldest !== undefined) cache.delete(oldest)
}

function missing(path: string): SallyportError {
  return new SallyportError({
    code: 'LOG_CORRUPT',
    where: path,
    expected: 'a tile that the checkpoint says is there',
    found: 'no file',
    fix: `Restore "${path}" from a copy of the log, then run \`sallyport log verify\``,
  })
}
