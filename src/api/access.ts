import { z } from 'zod'

// Who may do what at a gate, and that somebody has looked at it. Uses are told by `sallyport access list`.

const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits')

export const grantListSchema = z.strictObject({
  grants: z.array(
    z.strictObject({
      id: z.string(),
      sha256: sha256.describe('of all that it gives: what a review is bound to'),
      kind: z.string(),
      who: z.string(),
      may: z.array(z.string()),
      where: z.string(),
      until: z.string().optional(),
      state: z.enum(['reviewed', 'overdue', 'changed', 'never', 'ended']),
      reviewBy: z.string().optional(),
      review: z
        .strictObject({ entry: z.int(), time: z.string(), by: z.string(), finding: z.string() })
        .optional(),
    }),
  ),
})

export type GrantList = z.output<typeof grantListSchema>

/** A review; who reviews is whoever is authenticated. */
export const accessReviewAskSchema = z.strictObject({
  grants: z.array(sha256).min(1).max(100).describe('the digests of what was looked at'),
  finding: z.string().min(1).max(2000),
})

export type AccessReviewAsk = z.output<typeof accessReviewAskSchema>

export const accessReviewedSchema = z.strictObject({
  entry: z.int().min(0).describe('where the review stands in the log'),
})
