import { z } from 'zod'

// What is asked, granted and reviewed in emergencies. A grant is signed where its approver is: the gate only keeps it.

const text = z.string().min(1).max(1000)

/** A request as it is written by `sallyport breakglass request`; who asks is whoever is authenticated. */
export const breakglassAskSchema = z.strictObject({
  artifact: z.strictObject({
    name: text,
    sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits'),
  }),
  environment: z.string().min(1).max(200),
  service: z.string().min(1).max(200),
  rules: z
    .array(z.string().min(1).max(200))
    .min(1)
    .max(200)
    .describe('ids of the rules to waive, as the decision names them'),
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

export const breakglassRequestsSchema = z.strictObject({
  requests: z.array(z.strictObject({ id: z.string(), request: breakglassRequestSchema })),
})

export const breakglassGrantSchema = z.strictObject({
  grant: z
    .union([z.record(z.string(), z.unknown()), z.string().max(200_000)])
    .describe('the grant that an approver has signed: a Sigstore bundle or a DSSE envelope'),
})

export const breakglassGrantedSchema = z.strictObject({
  digest: z.string().describe('sha256 of the grant'),
  signers: z.array(z.string()),
  artifact: z.string().describe('sha256 of what it is for'),
})

export const breakglassUsesSchema = z.strictObject({
  uses: z.array(z.record(z.string(), z.unknown())).describe('newest first'),
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
