import type { Problem } from '#error'
import { tilePath, tileWidth, type TreeHead } from '#merkle'
import type { HashTile } from './tile-source.ts'

const who = 'and find out who could write to the log’s folder'

/** A tile that is not the one that the tiles above and below it prove; `found` undefined when it is not there. */
export function tileAltered(tile: HashTile, found: Uint8Array | undefined): Problem {
  const path = tilePath(tile)
  return {
    code: found === undefined ? 'LOG_TILE_MISSING' : 'LOG_TILE_ALTERED',
    where: path,
    expected: `the ${tile.width} hashes that lead to the signed root`,
    found: found === undefined ? 'no such file, or one of another size' : 'other hashes',
    fix: `Restore "${path}" from a copy of the log, ${who}`,
  }
}

export function bundleMissing({ index, width }: HashTile): Problem {
  const path = tilePath({ level: 'entries', index, width })
  return {
    code: 'LOG_TILE_MISSING',
    where: path,
    expected: span(index, width),
    found: 'no such file',
    fix: `Restore "${path}" from a copy of the log, ${who}`,
  }
}

/** The tile was changed to fit its changed entries: which of them, only a copy can tell. */
export function entriesAltered({ index, width }: HashTile): Problem {
  const path = tilePath({ level: 'entries', index, width })
  return {
    code: 'LOG_ENTRY_ALTERED',
    where: span(index, width),
    expected: 'entries that lead to the signed root',
    found: 'entries, and a tile made to fit them, that do not',
    fix: `Restore "${path}" and "${tilePath({ level: 0, index, width })}" from a copy of the log, ${who}`,
  }
}

export function rootMismatch(tree: TreeHead, found: Uint8Array | undefined): Problem {
  return {
    code: 'LOG_ROOT_MISMATCH',
    where: `tree of ${tree.size} entries`,
    expected: `root ${base64(tree.root)}, as signed`,
    found: found === undefined ? 'no root: tiles are missing' : base64(found),
    fix: `Restore the log’s folder from a copy, ${who}`,
  }
}

export function truncated(earlier: number, size: number): Problem {
  return {
    code: 'LOG_TRUNCATED',
    where: `earlier checkpoint of size ${earlier}`,
    expected: `at least ${earlier} entries`,
    found: `${size} entries`,
    fix: `Restore the newest copy of the log: ${earlier - size} entries that were signed are not in this one`,
  }
}

/** `lastGood` is the size up to which the history is known to be the same. */
export function historyChanged(earlier: TreeHead, found: Uint8Array, lastGood: number): Problem {
  return {
    code: 'LOG_HISTORY_CHANGED',
    where: `earlier checkpoint of size ${earlier.size}`,
    expected: `root ${base64(earlier.root)} over the first ${earlier.size} entries`,
    found: base64(found),
    fix: `Compare the entries ${lastGood} to ${earlier.size - 1} with a copy of the log: at least one was altered, removed or added there after it was signed. Tell the owner of the log’s keys, because the new history is signed too`,
  }
}

function span(index: number, width: number): string {
  const first = index * tileWidth
  return width === 1 ? `entry ${first}` : `entries ${first} to ${first + width - 1}`
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
