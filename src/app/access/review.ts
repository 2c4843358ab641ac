import type { Config } from '#config'
import { openGate, startGateSigner } from '../gate.ts'
import { whoAsks } from '../verify.ts'
import type { Grant } from './grant.ts'
import { readInventory } from './inventory.ts'
import { lookedAt, recordReview, type Reviewer } from './looked-at.ts'

export interface ReviewAccessOptions {
  readonly config: Config
  /** What was looked at: the first digits of the digest of each grant, as the list shows it. */
  readonly grants: readonly string[]
  /** Who has looked; default is who runs this. */
  readonly by?: string
  readonly finding: string
  readonly now: Date
}

export interface ReviewAccessReport extends Reviewer {
  readonly finding: string
  readonly grants: readonly Pick<Grant, 'id' | 'sha256' | 'may' | 'where'>[]
  /** Where the reviews stand in the log. */
  readonly entries: readonly number[]
}

/**
 * Records that somebody has looked at grants, as they are now, and that they shall stay. A digest that is no grant's any more
 * is refused: what was looked at has changed.
 *
 * @throws SallyportError GRANT_UNKNOWN, GRANT_OWN, and what `readInventory` throws
 */
export async function reviewAccess(options: ReviewAccessOptions): Promise<ReviewAccessReport> {
  const { config, finding, now } = options
  const { requester, principal } = whoAsks()
  const reviewer = { by: options.by ?? requester, principal }
  const grants = lookedAt(options.grants, await readInventory(config, { now }), reviewer)
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  await using gate = await openGate(config, starting)
  const entries = await recordReview(gate.log, grants, { ...reviewer, finding, now })
  return {
    ...reviewer,
    finding,
    grants: grants.map(({ id, sha256, may, where }) => ({ id, sha256, may, where })),
    entries,
  }
}
