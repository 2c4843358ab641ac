import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { readSpool } from '#log'
import { openFileSpool } from '#store'
import { placesOfSpools } from './spools.ts'

/** What waits in the spools of a home, and is not in its log yet. */
export interface SpooledReport {
  readonly entries: number
  /** When the oldest one was spooled (RFC 3339). */
  readonly oldest?: string
  /** Why it cannot be told. */
  readonly problems: readonly Problem[]
}

/** Looks, and disturbs no gate that uses one of them. */
export async function readSpooled(config: Config): Promise<SpooledReport> {
  const problems: Problem[] = []
  const times: Date[] = []
  let entries = 0
  for (const place of placesOfSpools(config)) {
    try {
      const found = await readSpool(openFileSpool(place))
      entries += found.entries
      if (found.oldest !== undefined) times.push(found.oldest)
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      problems.push(...error.problems)
    }
  }
  const [oldest] = times.map((time) => time.toISOString()).sort()
  return { entries, ...(oldest === undefined ? {} : { oldest }), problems }
}
