import { quote, SallyportError } from '#error'
import { hashChildren, hashSize } from './hash.ts'
import type { NodePosition, ReadNodes } from './node.ts'
import { assertSize, parseDecimal } from './size.ts'

/** Leaves of a full tile. A tile is a subtree of height 8. */
export const tileWidth = 256
const tileHeight = 8
const maxLevel = 63

/** A tile of hashes, or (`level: 'entries'`) the bundle of the entries whose hashes are in the level-0 tile of that index. */
export interface TilePosition {
  readonly level: number | 'entries'
  readonly index: number
  /** How many hashes or entries it holds, 1 to 256; 256 is a full tile. */
  readonly width: number
}

/** Gives the bytes of a tile of exactly the width asked for. MUST reject when it cannot. */
export type ReadTile = (position: TilePosition) => Promise<Uint8Array>

/** C2SP tlog-tiles: `tile/<L>/<N>[.p/<W>]`, without the leading slash. */
export function tilePath({ level, index, width }: TilePosition): string {
  assertSize(index, 'a tile index')
  if (!Number.isInteger(width) || width < 1 || width > tileWidth)
    throw new TypeError(`a tile is 1 to 256 wide, not ${width}`)
  const groups: string[] = []
  for (let rest = index; groups.length === 0 || rest > 0; rest = Math.floor(rest / 1000))
    groups.unshift(String(rest % 1000).padStart(3, '0'))
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join('/')
  return `tile/${level}/${path}${width === tileWidth ? '' : `.p/${width}`}`
}

/** The position that a path names; refuses every path that `tilePath` would not have written. */
export function parseTilePath(path: string): TilePosition {
  const match =
    /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path)
  const [, level = '', index = '', width] = match ?? []
  const position = {
    level: level === 'entries' ? level : (parseDecimal(level) ?? -1),
    index: Number(index.replaceAll(/[x/]/g, '')),
    width: width === undefined ? tileWidth : Number(width),
  } as const
  if (match !== null && isTile(position) && tilePath(position) === path) return position
  throw new SallyportError({
    code: 'TILE_PATH_MALFORMED',
    expected: 'tile/<level 0 to 63, or entries>/<index in groups of three digits>[.p/<1 to 255>]',
    found: quote(path),
    fix: 'Use a path as C2SP tlog-tiles defines it, such as "tile/0/x001/234.p/5"',
  })
}

function isTile({ level, index, width }: TilePosition): boolean {
  return (
    (level === 'entries' || (level >= 0 && level <= maxLevel)) &&
    Number.isSafeInteger(index) &&
    width >= 1 &&
    width <= tileWidth
  )
}

/** How many hashes (or entries) the tile at this place holds in a tree of `size` leaves; 0 when there is no such tile. */
export function tileWidthIn(
  size: number,
  { level, index }: Pick<TilePosition, 'level' | 'index'>,
): number {
  const hashes = Math.floor(size / tileWidth ** (level === 'entries' ? 0 : level))
  return Math.max(0, Math.min(tileWidth, hashes - index * tileWidth))
}

/** The partial tiles at the right edge of a tree of `size` leaves, level 0 first. A level whose last tile is full has none. */
export function partialTiles(size: number): (TilePosition & { readonly level: number })[] {
  const tiles: (TilePosition & { readonly level: number })[] = []
  for (
    let level = 0, hashes = size;
    hashes > 0;
    level += 1, hashes = Math.floor(hashes / tileWidth)
  ) {
    const width = hashes % tileWidth
    if (width > 0) tiles.push({ level, index: Math.floor(hashes / tileWidth), width })
  }
  return tiles
}

/** Reads nodes of the tree of `size` leaves out of its tiles. Each tile is read once for each call. */
export function tileNodes(size: number, readTile: ReadTile): ReadNodes {
  return async (positions) => {
    const wanted = positions.map((position) => placeOf(position, size))
    const tiles = new Map(wanted.map(({ tile }) => [tilePath(tile), tile]))
    const bytes = new Map(
      await Promise.all(
        [...tiles].map(
          async ([path, tile]) => [path, checkTile(tile, await readTile(tile))] as const,
        ),
      ),
    )
    return wanted.map(({ tile, offset, count }) =>
      subtreeHash(bytes.get(tilePath(tile)) ?? new Uint8Array(), offset, count),
    )
  }
}

/** Where a node is: the hash of `count` consecutive hashes of a tile. */
function placeOf({ height, index }: NodePosition, size: number) {
  const level = Math.floor(height / tileHeight)
  const count = 2 ** (height % tileHeight)
  const first = index * count
  const tile = { level, index: Math.floor(first / tileWidth) }
  const width = tileWidthIn(size, tile)
  const offset = first % tileWidth
  if (offset + count > width)
    throw new TypeError(`a tree of ${size} leaves has no node ${index} of height ${height}`)
  return { tile: { ...tile, width }, offset, count }
}

/** The hash over `count` (a power of two) hashes of a tile. */
export function subtreeHash(tile: Uint8Array, offset: number, count: number): Uint8Array {
  if (count === 1) return tile.slice(offset * hashSize, (offset + 1) * hashSize)
  const half = count / 2
  return hashChildren(subtreeHash(tile, offset, half), subtreeHash(tile, offset + half, half))
}

/** Refuses bytes that are not exactly the hashes a tile of this width holds. */
export function checkTile(tile: TilePosition, bytes: Uint8Array): Uint8Array {
  const expected = tile.width * hashSize
  if (bytes.length === expected) return bytes
  throw new SallyportError({
    code: 'TILE_MALFORMED',
    where: tilePath(tile),
    expected: `${expected} bytes, ${tile.width} hashes`,
    found: `${bytes.length} bytes`,
    fix: `Restore "${tilePath(tile)}" from a copy of the log: it is damaged`,
  })
}
