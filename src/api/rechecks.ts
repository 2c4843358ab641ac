import { z } from 'zod'
import { problemSchema } from './schemas.ts'

const place = z.int().min(0)
const admitted = {
  first: place.describe('the first decision that let it in, by its place in the log'),
  last: place.describe('the last one'),
  times: z.int().min(1).describe('how many there are, at least'),
  admitted: z.string().describe('when the first was made; empty where its entry cannot be read'),
  artifact: z.strictObject({ name: z.string(), sha256: z.string() }),
  target: z.strictObject({ environment: z.string(), service: z.string() }),
  requester: z.string().optional(),
  problems: z.array(problemSchema).describe('why it is not verified, and what to do'),
}

/** What was let in because evidence could not be had, and what came of it when it was decided again. */
export const recheckListSchema = z.strictObject({
  time: z.string(),
  size: place.describe('entries of the log that have been looked through'),
  unread: place.describe('entries that have not'),
  full: z.boolean().describe('more is open than is kept in mind: the log is read on later'),
  pending: place.describe('how many questions are open'),
  verified: place.describe('decisions that were verified afterwards, since the log began'),
  refused: place.describe('decisions that were refused afterwards, since the log began'),
  open: z
    .array(
      z.strictObject({
        state: z.enum(['pending', 'overdue']),
        ...admitted,
        tries: place.describe('since this gate was started; 0 at a replica that has not the turn'),
        tried: z.string().optional(),
        next: z.string().optional(),
        unavailable: z.array(z.string()).optional().describe('places that did not answer'),
      }),
    )
    .describe('oldest first'),
  settled: z
    .array(
      z.strictObject({
        state: z.enum(['verified', 'refused']),
        ...admitted,
        entry: place.describe('the decision that rechecks them'),
        time: z.string(),
        verdict: z.enum(['ALLOW', 'DENY']),
      }),
    )
    .describe('newest first; of those from long ago only the log knows'),
})

export type RecheckList = z.output<typeof recheckListSchema>
