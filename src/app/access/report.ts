import type { Config } from '#config'
import type { Problem } from '#error'
import { readLog } from '../log.ts'
import { findingsOf } from './findings.ts'
import { readInventory } from './inventory.ts'
import { judgeGrant, type JudgedGrant } from './judge.ts'
import { openReviews } from './reviews.ts'
import { readSeen } from './seen.ts'

export interface AccessOptions {
  readonly config: Config
  readonly now: Date
  /** How many entries of the log are read for uses, the newest first. */
  readonly maxEntries: number
}

/** A grant as it is told: without how it is found out. */
export type ListedGrant = Omit<JudgedGrant, 'trace' | 'outlivesItsEnd'> & {
  readonly findings: readonly Problem[]
}

export interface AccessReport {
  readonly grants: readonly ListedGrant[]
  /** How long a review holds, in days. */
  readonly everyGrantWithinDays: number
  /** How far back the log was read for uses. */
  readonly read: { readonly entries: number; readonly since?: string; readonly complete: boolean }
}

/**
 * Every permission with its last review and its last use.
 *
 * @throws SallyportError what `readInventory` throws, LOG_…
 */
export async function listAccess({
  config,
  now,
  maxEntries,
}: AccessOptions): Promise<AccessReport> {
  const { intervalMs, soonMs } = config.accessReview
  const grants = await readInventory(config, { now })
  const reviews = openReviews()
  const seen = await readLog(config, async (view, bodies) => {
    await reviews.read(view)
    return await readSeen(view, bodies, { from: new Date(now.getTime() - intervalMs), maxEntries })
  })
  const { entries, since, complete } = seen
  return {
    grants: grants.map((grant) =>
      listed(judgeGrant(grant, { reviews, seen }, { now, intervalMs, soonMs })),
    ),
    everyGrantWithinDays: intervalMs / 86_400_000,
    read: { entries, complete, ...(since === undefined ? {} : { since }) },
  }
}

function listed(grant: JudgedGrant): ListedGrant {
  const { trace: _, outlivesItsEnd: __, ...told } = grant
  return { ...told, findings: findingsOf(grant) }
}
