import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { readSpool } from '#log'
import { openFileSpool } from '#store'

/** What waits in the spool of a home, and is not in its log yet. */
export interface SpooledReport {
  readonly entries: number
  /** When the oldest one was spooled (RFC 3339). */
  readonly oldest?: string
  /** Why it cannot be told. */
  readonly problems: readonly Problem[]
}

/** Looks, and disturbs no gate that uses it. */
export async function readSpooled({ log: { spool } }: Config): Promise<SpooledReport> {
  if (spool === undefined) return { entries: 0, problems: [] }
  const storage = openFileSpool(spool)
  try {
    const { entries, oldest } = await readSpool(storage)
    return {
      entries,
      ...(oldest === undefined ? {} : { oldest: oldest.toISOString() }),
      problems: [],
    }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return { entries: 0, problems: error.problems }
  }
}
