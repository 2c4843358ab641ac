import { z } from 'zod'
import { quote, SallyportError } from '#error'
import { entryForm, type Log, type Receipt } from '#log'
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
  finding: text,
})

/** That somebody else has looked at a use of breakglass, and what they found. An entry of the log, never decided again. */
export type BreakglassReview = z.infer<typeof reviewSchema>

/** How that is written and read. */
export const reviewForm = entryForm<BreakglassReview>({ BreakglassReview: reviewSchema })

/**
 * Records a review. When it resolves, it is durable.
 *
 * @throws SallyportError BREAKGLASS_REVIEW when the reviewer had a part in the use, or there is nothing to review
 */
export async function recordReview(
  log: Pick<Log, 'append'>,
  review: BreakglassReview,
  use: Use | undefined,
): Promise<Receipt> {
  const { entry, by } = review
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
      `one that ${quote(use.review.by, 80)} has reviewed at ${use.review.time}`,
      'Name a use that waits for its review: `sallyport breakglass list`',
    )
  }
  const parts = new Set([...use.requesters, ...use.approvers].flatMap(namesOf))
  if (namesOf(by).some((name) => parts.has(name))) {
    throw refused(
      entry,
      'a review by somebody who neither asked nor approved',
      `one by ${quote(by, 80)}`,
      'Have somebody else review it',
    )
  }
  return await log.append(reviewForm.encode(review, 'the review'))
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

/** Also without how they have proven who they are, as in `token:erin`: that is the same person. */
function namesOf(name: string): readonly string[] {
  const plain = sameName(name)
  return [plain, plain.split(/[:#]/).at(-1) ?? plain]
}

function sameName(name: string): string {
  return name.normalize('NFKC').trim().toLowerCase()
}
