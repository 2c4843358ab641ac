import { quote, SallyportError, type Problem } from '#error'
import { recordAccessReview, type Log } from '#log'
import type { Grant } from './grant.ts'
import { isOwn } from './own.ts'

export interface Reviewer {
  readonly by: string
  /** As they have proven it. */
  readonly principal: string
  /** Ids of grants that they have proven to hold, where a name does not tell. */
  readonly holds?: readonly string[]
}

/**
 * The grants that somebody has looked at, by the first digits of their digests, as they are now.
 *
 * @throws SallyportError GRANT_UNKNOWN when one has changed since; GRANT_OWN when the reviewer holds one
 */
export function lookedAt(
  digests: readonly string[],
  inventory: readonly Grant[],
  reviewer: Reviewer,
): readonly Grant[] {
  const found = [...new Set(digests)].map((digits) => find(digits, inventory))
  SallyportError.throwAll(found.flatMap((one) => ('code' in one ? [one] : [])))
  const grants = found.flatMap((one) => ('code' in one ? [] : [one]))
  SallyportError.throwAll(
    grants
      .filter((one) => isOwn(one, reviewer) || isHeld(one, reviewer))
      .map((one) => own(one, reviewer)),
  )
  return grants
}

/** Of several grants with the same name none is reviewed by whoever holds one of them. */
function isHeld({ id }: Grant, { holds = [] }: Reviewer): boolean {
  return holds.some((held) => id === held || id.startsWith(`${held} (`))
}

const perEntry = 100

/** Records a review; gives its places in the log. */
export async function recordReview(
  log: Pick<Log, 'append'>,
  grants: readonly Grant[],
  { by, principal, finding, now }: Reviewer & { readonly finding: string; readonly now: Date },
): Promise<readonly number[]> {
  const entries: number[] = []
  for (let at = 0; at < grants.length; at += perEntry) {
    const some = grants.slice(at, at + perEntry).map(({ id, sha256 }) => ({ id, sha256 }))
    const { index } = await recordAccessReview(log, {
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

function own({ id, where }: Grant, { by, principal }: Reviewer): Problem {
  return {
    code: 'GRANT_OWN',
    where: `${quote(id)}, ${where}`,
    expected: 'a review by somebody who does not hold it',
    found: `one by ${quote(by, 200)} (${quote(principal, 200)})`,
    fix: 'Have somebody else look at it, and record it on their account',
  }
}
