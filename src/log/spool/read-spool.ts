import { parseLines } from './line.ts'
import type { SpoolStorage } from './ports.ts'

/** What waits in a spool that somebody else may be using. */
export interface SpoolReading {
  readonly entries: number
  readonly oldest: Date | undefined
}

/**
 * Reads how much waits, and disturbs nobody. It does not hold the memory of the newest line against it: that may have moved on
 * meanwhile.
 *
 * @throws SallyportError LOG_SPOOL_DAMAGED
 */
export async function readSpool(
  storage: Pick<SpoolStorage, 'read' | 'name'>,
): Promise<SpoolReading> {
  const { lines } = parseLines(await storage.read(), storage.name)
  const forwarded = lines.flatMap(({ line }) => (line.kind === 'SpoolForwarded' ? [line.line] : []))
  const done = lines.findLastIndex(({ digest }) => forwarded.includes(digest))
  const waiting = lines
    .slice(done + 1)
    .flatMap(({ line }) => (line.kind === 'SpoolEntries' ? [line] : []))
  const [oldest] = waiting
  return {
    entries: waiting.reduce((sum, { entries }) => sum + entries.length, 0),
    oldest: oldest === undefined ? undefined : new Date(oldest.time),
  }
}
