import { z } from 'zod'
import { quote, SallyportError } from '#error'
import { entryForm, type Log, type Receipt } from '#log'
import { namesOf } from '#trust'
import { saysSomething } from './request.ts'
import type { Use } from './uses.ts'

const text = z.string().min(1).max(2000)
const reviewSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('BreakglassReview'),
  /** RFC 3339, UTC. */
  time: z.string().max(40),
  /** The decision that was reviewed, by its place in this log. */
  entry: z.int().min(0),
  by: z.string().min(1).max(200),
  /** Who that is, as they have proven it to where they said so: `os:erin`. Older entries have none. */
  principal: z.string().min(1).max(2000).exactOptional(),
  finding: text,
})

/** That somebody else has looked at a use of breakglass, and what they found. An entry of the log, never decided again. */
export type BreakglassReview = z.infer<typeof reviewSchema>

/** How that is written and read. */
export const reviewForm = entryForm<BreakglassReview>({ BreakglassReview: reviewSchema })

/**
 * Records a review. When it resolves, it is durable.
 *
 * @throws SallyportError BREAKGLASS_REVIEW when the reviewer had a part in the use, says nothing, or there is nothing to review
 */
export async function recordReview(
  log: Pick<Log, 'append'>,
  review: BreakglassReview,
  use: Use | undefined,
): Promise<Receipt> {
  const { entry } = review
  if (use === undefined) {
    throw refused(
      entry,
      'an entry at which the glass was broken',
      'another entry',
      'Name one that `sallyport breakglass list` shows',
    )
  }
  if (use.review !== undefined) {
    throw refused(
      entry,
      'a use that nobody has reviewed',
      `one that ${reviewerOf(use.review)} has reviewed at ${use.review.time}`,
      'Name a use that waits for its review: `sallyport breakglass list`',
    )
  }
  checkPart(review, use)
  if (!saysSomething(review.finding)) {
    throw refused(
      entry,
      'what was found, in words',
      quote(review.finding, 80),
      'Say what you found, and what follows',
    )
  }
  return await log.append(reviewForm.encode(review, 'the review'))
}

/**
 * Whoever reviews had no part in the use. To be seen again once the review is recorded: they may have asked meanwhile, and a
 * review of theirs closes nothing.
 *
 * @throws SallyportError BREAKGLASS_REVIEW
 */
export function checkPart(review: BreakglassReview, use: Use | undefined): void {
  const part = use === undefined ? undefined : partOf(review, use)
  if (part === undefined) return
  const { entry } = review
  throw refused(
    entry,
    'a review by somebody who neither asked nor approved',
    `one by ${reviewerOf(review)}; ${part}`,
    `Have somebody else review it: on their own account, with \`sallyport breakglass review ${entry} --finding TEXT\`, or over the API with a token of role auditor (POST /api/v1/breakglass/reviews); another name after --by changes nothing about the account`,
  )
}

type Reviewer = Pick<BreakglassReview, 'by' | 'principal'>

/** What whoever reviews has done in the use themselves, by the name they say or by the one they have proven. */
export function partOf({ by, principal }: Reviewer, use: Use): string | undefined {
  const own = new Set([by, principal ?? by].flatMap(namesOf))
  const isOwn = (name: string): boolean => namesOf(name).some((one) => own.has(one))
  const asked = [...use.principals, ...use.requesters].find(isOwn)
  if (asked !== undefined) return `${quote(asked, 200)} has asked`
  const approved = use.approvers.find(isOwn)
  return approved === undefined ? undefined : `${quote(approved, 200)} has approved`
}

function reviewerOf({ by, principal }: Reviewer): string {
  return principal === undefined ? quote(by, 80) : `${quote(by, 80)} (${quote(principal, 200)})`
}

function refused(entry: number, expected: string, found: string, fix: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REVIEW',
    where: `entry ${entry}`,
    expected,
    found,
    fix,
  })
}
