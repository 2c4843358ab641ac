import { z } from 'zod'
import { askSchema, problemSchema } from './schemas.ts'

// What is asked, granted and reviewed in emergencies. A grant is signed where its approver is: the gate only keeps it.

const text = z.string().min(1).max(1000)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits')

/** A request as it is written by `sallyport breakglass request`; who asks is whoever is authenticated. */
export const breakglassAskSchema = z.strictObject({
  artifact: z.strictObject({
    name: text,
    sha256,
  }),
  environment: z.string().min(1).max(200),
  service: z.string().min(1).max(200),
  rules: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(200)
    .optional()
    .describe('ids of the rules to waive, as the decision names them; left out: all that fail'),
  reference: askSchema.shape.reference,
  evidence: askSchema.shape.evidence,
  reason: text,
  incident: z.string().min(1).max(500),
  seconds: z
    .int()
    .min(60)
    .max(168 * 3600)
    .default(3600)
    .describe('from the approval on'),
})

export const breakglassRequestSchema = z
  .record(z.string(), z.unknown())
  .describe('the request, as `sallyport breakglass approve` takes it')

export const breakglassAskedSchema = z.strictObject({
  id: z.string(),
  request: breakglassRequestSchema,
  approvers: z.array(z.string()).max(1000).describe('who may approve it'),
  count: z.int().min(1).describe('so many of them'),
})

export const breakglassRequestsSchema = z.strictObject({
  // A thousand that this gate was sent, and as many that other replicas were.
  requests: z.array(z.strictObject({ id: z.string(), request: breakglassRequestSchema })).max(2000),
})

export const breakglassGrantSchema = z.strictObject({
  grant: z
    .union([z.record(z.string(), z.unknown()), z.string().max(200_000)])
    .describe('the grant that an approver has signed: a Sigstore bundle or a DSSE envelope'),
})

export const breakglassGrantedSchema = z.strictObject({
  digest: sha256.describe('sha256 of the grant'),
  signers: z.array(z.string()).max(1000),
  artifact: sha256.describe('sha256 of what it is for'),
})

export const breakglassUseSchema = z.strictObject({
  entry: z.int().min(0).describe('the first decision of it, by its place in the log'),
  lastEntry: z.int().min(0),
  time: z.string(),
  times: z.int().min(1),
  artifact: z.strictObject({ name: z.string(), sha256: z.string() }),
  environment: z.string(),
  service: z.string(),
  requesters: z.array(z.string()).describe('who asked for the grants, and who asked the gate'),
  principals: z.array(z.string()).describe('who asked the gate, as they have proven it'),
  approvers: z.array(z.string()),
  reasons: z.array(z.string()),
  incidents: z.array(z.string()),
  wanted: z.array(z.string()).describe('what would have been refused'),
  verdict: z.string(),
  until: z.string(),
  grants: z.array(z.string()).describe('their sha256'),
  state: z.enum(['reviewed', 'waiting', 'overdue']),
  reviewBy: z.string(),
  review: z
    .strictObject({
      by: z.string(),
      principal: z.string().exactOptional(),
      finding: z.string(),
      time: z.string(),
    })
    .exactOptional(),
})

export const breakglassUsesSchema = z.strictObject({
  uses: z.array(breakglassUseSchema).max(100_000).describe('newest first'),
  rates: z.array(
    z.strictObject({
      environment: z.string(),
      lastDay: z.int().min(0).describe('uses within the last day'),
      limit: z.int().min(0),
    }),
  ),
  findings: z.array(problemSchema).max(100_000).describe('what somebody has to do'),
  pending: z.int().min(0).describe('alarms that wait to be heard'),
})

export const breakglassReviewSchema = z.strictObject({
  entry: z.int().min(0).describe('the use, by its place in the log'),
  finding: z.string().min(1).max(2000),
})

export const breakglassReviewedSchema = z.strictObject({
  entry: z.int().min(0).describe('where the review stands in the log'),
})

export type BreakglassAsk = z.output<typeof breakglassAskSchema>
export type BreakglassGrant = z.output<typeof breakglassGrantSchema>
export type BreakglassReviewAsk = z.output<typeof breakglassReviewSchema>
export type BreakglassUses = z.output<typeof breakglassUsesSchema>
