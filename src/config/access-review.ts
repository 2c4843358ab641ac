import { z } from 'zod'

const dayMs = 86_400_000

/** How often somebody has to look at what others may do. */
export const accessReviewSchema = z.strictObject({
  // How long a review holds; what nobody has used for so long is unused.
  everyGrantWithinDays: z.int().min(1).max(3660).default(90),
  // An end that is nearer is told.
  warnDaysBeforeEnd: z.int().min(0).max(3660).default(14),
})

export interface AccessReviewConfig {
  readonly intervalMs: number
  readonly soonMs: number
}

export function accessReviewOf({
  everyGrantWithinDays,
  warnDaysBeforeEnd,
}: z.output<typeof accessReviewSchema>): AccessReviewConfig {
  return { intervalMs: everyGrantWithinDays * dayMs, soonMs: warnDaysBeforeEnd * dayMs }
}
