import { z } from 'zod'

// The HTTP contract, shared by the server and whoever asks it. A decision is told as it is recorded (#decision).

const digest = z
  .record(z.string().regex(/^[A-Za-z0-9]{1,32}$/), z.string().regex(/^[0-9a-f]{32,128}$/))
  .refine(({ sha256 }) => sha256?.length === 64, 'a sha256 of 64 lower-case hexadecimal digits')
  .meta({
    description:
      'digests of the artifact, lower-case hex; sha256 is mandatory, and the only one that evidence is held against',
    required: ['sha256'],
    properties: { sha256: { type: 'string', pattern: '^[0-9a-f]{64}$' } },
  })

const target = z.strictObject({
  environment: z.string().min(1).max(200),
  service: z.string().min(1).max(200),
})

/** May this artifact run there? */
export const askSchema = z.strictObject({
  artifact: z.strictObject({
    name: z.string().min(1).max(1024).describe('what you call it; shown, and never believed'),
    digest,
  }),
  target,
  reference: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('where the artifact lies in an OCI registry; evidence is looked for there'),
  evidence: z
    .array(z.union([z.record(z.string(), z.unknown()), z.string().max(1_000_000)]))
    .max(64)
    .default([])
    .describe(
      'attestations that travel with the request: Sigstore bundles, DSSE envelopes, tokens',
    ),
  chokePoint: z
    .enum(['api', 'ci'])
    .default('api')
    .describe('where it would be let in: `ci` for a step of a pipeline; recorded'),
  dryRun: z.boolean().default(false).describe('decide, and record nothing'),
})

export const problemSchema = z.strictObject({
  code: z.string(),
  where: z.string(),
  expected: z.string(),
  found: z.string(),
  fix: z.string(),
})

export const problemsSchema = z.strictObject({ problems: z.array(problemSchema).min(1) })

const verdict = z.enum(['ALLOW', 'DENY', 'UNDETERMINED', 'POLICY_ERROR'])
const effect = z
  .string()
  .describe('admitted, blocked, admitted-audit, admitted-breakglass, admitted-unavailable')

export const answerSchema = z.strictObject({
  verdict,
  effect,
  summary: z.string().describe('for people, in one line: the answer, and what to do first'),
  entry: z
    .int()
    .min(0)
    .optional()
    .describe('where it stands in the log; absent for a dry run, and while it is spooled'),
  receipt: z
    .enum(['sequenced', 'spooled'])
    .optional()
    .describe('spooled: durable at this gate, and in the log as soon as that can be reached'),
  spooled: z
    .strictObject({
      spool: z.string().describe('its name'),
      number: z.int().min(0),
      sha256: z.string().describe('of the entry: these bytes will be in the log'),
    })
    .optional(),
  decision: z
    .record(z.string(), z.unknown())
    .describe('everything that was decided, as it is recorded'),
})

export const decisionListSchema = z.strictObject({
  size: z.int().min(0).describe('entries in the log'),
  entries: z.array(
    z.strictObject({
      entry: z.int().min(0),
      kind: z.enum([
        'Decision',
        'Refusal',
        'BreakglassReview',
        'Deployment',
        'AccessReview',
        'BuildBegun',
        'BuildDefined',
        'BuildEnded',
        'BuildRecord',
        'ExternalVerdict',
      ]),
      body: z.record(z.string(), z.unknown()),
    }),
  ),
  next: z.int().min(0).optional().describe('ask again with before=this for older ones'),
})

export const targetsSchema = z.strictObject({
  targets: z.array(
    z.strictObject({
      environment: z.string(),
      service: z.string(),
      policy: z.strictObject({
        name: z.string(),
        owner: z.string(),
        file: z.string(),
        digest: z.string(),
        mode: z.string(),
      }),
    }),
  ),
})

export type Ask = z.output<typeof askSchema>
export type Answer = z.output<typeof answerSchema>
export type DecisionList = z.output<typeof decisionListSchema>
export type TargetList = z.output<typeof targetsSchema>
