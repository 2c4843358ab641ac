import type { Config } from '#config'
import { quote, SallyportError, type Problem } from '#error'
import { recordAccessReview } from '#log'
import { openGate, startGateSigner } from '../gate.ts'
import { whoAsks } from '../verify.ts'
import type { Grant } from './grant.ts'
import { readInventory } from './inventory.ts'
import { isOwn } from './own.ts'

export interface ReviewAccessOptions {
  readonly config: Config
  /** What was looked at: the first digits of the digest of each grant, as the list shows it. */
  readonly grants: readonly string[]
  /** Who has looked; default is who runs this. */
  readonly by?: string
  readonly finding: string
  readonly now: Date
}

export interface ReviewAccessReport {
  readonly by: string
  readonly principal: string
  readonly finding: string
  readonly grants: readonly Pick<Grant, 'id' | 'sha256' | 'may' | 'where'>[]
  /** Where the reviews stand in the log. */
  readonly entries: readonly number[]
}

const perEntry = 100

/**
 * Records that somebody has looked at grants, as they are now, and that they shall stay. A digest that is no grant's any more
 * is refused: what was looked at has changed.
 *
 * @throws SallyportError GRANT_UNKNOWN, GRANT_OWN, and what `readInventory` throws
 */
export async function reviewAccess(options: ReviewAccessOptions): Promise<ReviewAccessReport> {
  const { config, finding, now } = options
  const { requester, principal } = whoAsks()
  const by = options.by ?? requester
  const inventory = await readInventory(config, { now })
  const looked = [...new Set(options.grants)].map((digits) => find(digits, inventory))
  SallyportError.throwAll(looked.flatMap((one) => ('code' in one ? [one] : [])))
  const grants = looked.flatMap((one) => ('code' in one ? [] : [one]))
  SallyportError.throwAll(
    grants.filter((one) => isOwn(one, { by, principal })).map((one) => own(one, by, principal)),
  )
  const entries = await record({ config, by, principal, finding, now, grants })
  return {
    by,
    principal,
    finding,
    grants: grants.map(({ id, sha256, may, where }) => ({ id, sha256, may, where })),
    entries,
  }
}

async function record({
  config,
  by,
  principal,
  finding,
  now,
  grants,
}: {
  readonly config: Config
  readonly by: string
  readonly principal: string
  readonly finding: string
  readonly now: Date
  readonly grants: readonly Grant[]
}): Promise<readonly number[]> {
  const starting = startGateSigner(config)
  starting.catch(() => undefined)
  await using gate = await openGate(config, starting)
  const entries: number[] = []
  for (let at = 0; at < grants.length; at += perEntry) {
    const some = grants.slice(at, at + perEntry).map(({ id, sha256 }) => ({ id, sha256 }))
    const { index } = await recordAccessReview(gate.log, {
      apiVersion: 'sallyport.dev/v1',
      kind: 'AccessReview',
      time: now.toISOString(),
      by,
      principal,
      finding,
      grants: some,
    })
    entries.push(index)
  }
  return entries
}

function find(digits: string, inventory: readonly Grant[]): Grant | Problem {
  const found = inventory.filter(({ sha256 }) => sha256.startsWith(digits))
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  return {
    code: 'GRANT_UNKNOWN',
    where: digits,
    expected: 'the first digits of one grant as it is now',
    found: found.length === 0 ? 'none' : `${found.length} grants`,
    fix: 'Run `sallyport access list` again: a grant that has changed since has another digest',
  }
}

function own({ id, where }: Grant, by: string, principal: string): Problem {
  return {
    code: 'GRANT_OWN',
    where: `${quote(id)}, ${where}`,
    expected: 'a review by somebody who does not hold it',
    found: `one by ${quote(by, 200)} (${quote(principal, 200)})`,
    fix: 'Have somebody else look at it, and record it on their account',
  }
}
