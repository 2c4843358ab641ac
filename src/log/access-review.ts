import { z } from 'zod'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const accessReviewSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('AccessReview'),
  /** RFC 3339, UTC. */
  time: z.iso.datetime(),
  /** Who has looked, by name. */
  by: z.string().min(1).max(200),
  /** Who that is, as they have proven it to where they said so: `os:erin`. */
  principal: z.string().min(1).max(2000),
  finding: z.string().min(1).max(2000),
  /** What was looked at: each grant by its name, and by the digest of all that it gives. */
  grants: z
    .array(z.strictObject({ id: z.string().min(1).max(300), sha256 }))
    .min(1)
    .max(100),
})

/** That somebody has looked at grants, and that they shall stay. An entry of the log, never decided again. */
export type AccessReview = z.infer<typeof accessReviewSchema>

/** How that is written and read. */
export const accessReviewForm = entryForm<AccessReview>({ AccessReview: accessReviewSchema })

/** Records a review. When it resolves, it is durable. */
export async function recordAccessReview(
  log: Pick<Log, 'append'>,
  review: AccessReview,
): Promise<Receipt> {
  return await log.append(accessReviewForm.encode(review, 'the review'))
}
