import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { SallyportError } from '#error'
import { maxEntryBytes, parseTilePath, tileWidth } from '#merkle'
import { absent } from './durable.ts'

const maxBytes = {
  checkpoint: 1_000_000,
  tile: 8192,
  entries: tileWidth * (2 + maxEntryBytes),
} as const

/** Where a file of a log is. Only paths that C2SP tlog-tiles knows are taken, so no path leads out of the folder. */
export function logPath(directory: string, path: string): string {
  if (path !== 'checkpoint') parseTilePath(path)
  return join(directory, path)
}

/** Reads a file of a log; undefined when there is none. A file larger than any log would have made it is refused unread. */
export async function readLogFile(
  directory: string,
  path: string,
): Promise<Uint8Array | undefined> {
  const handle = await open(logPath(directory, path), 'r').catch(absent)
  if (handle === undefined) return undefined
  try {
    const { size } = await handle.stat()
    const max = maxBytes[kindOf(path)]
    if (size <= max) return await handle.readFile()
    throw new SallyportError({
      code: 'LOG_CORRUPT',
      where: path,
      expected: `at most ${max} bytes`,
      found: `${size} bytes`,
      fix: `Restore "${path}" from a copy of the log, then run \`sallyport log verify\``,
    })
  } finally {
    await handle.close()
  }
}

function kindOf(path: string): keyof typeof maxBytes {
  if (path === 'checkpoint') return path
  return path.startsWith('tile/entries/') ? 'entries' : 'tile'
}
