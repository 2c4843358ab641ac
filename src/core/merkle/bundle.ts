import { SallyportError } from '#error'
import { tilePath, tileWidth, type TilePosition } from './tile.ts'

/** The largest entry: its length is a u16 on the wire. */
export const maxEntryBytes = 65_535

/** One entry as it stands in a bundle: its length in two bytes, big-endian, then its bytes. */
export function encodeEntry(entry: Uint8Array): Uint8Array {
  if (entry.length > maxEntryBytes)
    throw new TypeError(`an entry has at most ${maxEntryBytes} bytes, not ${entry.length}`)
  const bytes = new Uint8Array(2 + entry.length)
  new DataView(bytes.buffer).setUint16(0, entry.length)
  bytes.set(entry, 2)
  return bytes
}

/** The entries of a bundle, as views of its bytes. Refuses a bundle that does not hold exactly `position.width` entries. */
export function parseEntryBundle(position: TilePosition, bytes: Uint8Array): Uint8Array[] {
  const entries = splitEntries(bytes)
  if (entries?.length === position.width) return entries
  throw new SallyportError({
    code: 'ENTRY_BUNDLE_MALFORMED',
    where: tilePath(position),
    expected: `${position.width} entries, each behind its length in two bytes`,
    found:
      entries === undefined
        ? `${bytes.length} bytes that end inside an entry`
        : `${entries.length} entries`,
    fix: `Restore "${tilePath(position)}" from a copy of the log: it is damaged`,
  })
}

/** The entries that `encodeEntry` wrote one after another; undefined when the bytes end inside an entry or go on after `max` of them. */
export function splitEntries(bytes: Uint8Array, max = tileWidth): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const entries: Uint8Array[] = []
  for (let at = 0; at < bytes.length;) {
    if (at + 2 > bytes.length || entries.length === max) return undefined
    const end = at + 2 + view.getUint16(at)
    if (end > bytes.length) return undefined
    entries.push(bytes.subarray(at + 2, end))
    at = end
  }
  return entries
}
