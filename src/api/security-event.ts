import { z } from 'zod'
import { eventSeverities, eventTypePrefix, eventTypes, type EventName } from './event-types.ts'

const text = (most: number, description: string) => z.string().max(most).describe(description)
const hex = (description: string) => z.string().max(128).describe(description)
const problem = z.strictObject({
  code: text(100, 'as in docs/reference/problems.md'),
  where: text(400, 'where it is wrong'),
})
const grant = z.strictObject({
  id: text(300, 'its name'),
  sha256: hex('of all that it gives, as `sallyport access list` shows it'),
})

/** What happened. Every field is there only where it means something. */
const dataSchema = z.strictObject({
  summary: text(1000, 'one line for people; names in it were chosen by whoever asked'),
  host: text(255, 'the machine of the gate that noticed it').optional(),
  proof: z
    .strictObject({
      log: text(255, 'the origin of the log'),
      entry: z.int().min(0).describe('the place in the log'),
      leaf: hex('SHA-256 of the leaf (RFC 6962), which a receipt proves'),
    })
    .describe('where the whole record is, and what proves it')
    .optional(),
  chokePoint: text(200, 'who asked the gate: `admission`, `oci-proxy`, …').optional(),
  requester: text(400, 'who asked, as far as the choke point knows').optional(),
  principal: text(400, 'who asked, as they have proven it').optional(),
  target: z
    .strictObject({
      environment: text(200, 'where it would run'),
      service: text(200, 'as what'),
    })
    .optional(),
  artifact: z
    .strictObject({
      name: text(400, 'as whoever asked calls it'),
      sha256: hex('its digest'),
    })
    .optional(),
  verdict: text(40, 'what the policy says').optional(),
  effect: text(40, 'what followed').optional(),
  policy: z
    .strictObject({
      name: text(200, 'the policy that decided'),
      digest: hex('SHA-256 of its file'),
      mode: text(20, '`enforce` or `audit`'),
    })
    .optional(),
  trust: hex('SHA-256 of the trust file').optional(),
  decision: hex('SHA-256 of the recorded decision, as bytes').optional(),
  reasons: z.array(problem).max(10).describe('why, what to fix first coming first').optional(),
  exemptions: z
    .array(
      z.strictObject({
        rule: text(200, 'where it stands in the policy'),
        instead: text(40, 'what it would have said'),
        owner: text(200, 'who answers for it'),
        expires: text(40, 'when it has to hold again'),
      }),
    )
    .max(8)
    .describe('rules that did not hold, and that it was let in without')
    .optional(),
  reasonsOmitted: z.int().min(1).describe('how many more reasons the entry has').optional(),
  asked: z
    .record(z.string().max(100), z.string().max(200))
    .describe('what was asked for, in the words of the choke point')
    .optional(),
  breakglass: z
    .strictObject({
      approvers: z.array(text(200, 'who granted it')).max(8),
      requesters: z.array(text(200, 'who asked for the grants')).max(8),
      incidents: z.array(text(200, 'why, as a reference')).max(8),
      until: text(40, 'until when the grants hold').optional(),
      grants: z.array(hex('SHA-256 of a grant')).max(8),
    })
    .optional(),
  review: z
    .strictObject({
      entry: z.int().min(0).describe('the decision that was reviewed'),
      by: text(400, 'who has'),
      principal: text(400, 'who that is, as they have proven it').optional(),
      finding: text(400, 'and what was found'),
    })
    .optional(),
  deployment: z
    .strictObject({
      program: text(400, 'what was started'),
      exit: z.int().min(0).max(255),
      decisions: z.array(z.int().min(0)).max(100).describe('entries that let it in'),
    })
    .optional(),
  grant: grant.describe('what somebody has to look at').optional(),
  accessReview: z
    .strictObject({
      by: text(400, 'who has looked'),
      finding: text(400, 'and what was found'),
      grants: z.array(grant).max(10).describe('what was looked at'),
      grantsOmitted: z.int().min(1).describe('how many more grants the entry has').optional(),
    })
    .optional(),
  build: z
    .strictObject({
      id: text(40, 'the same for everything that happens to one build'),
      repository: text(400, 'as it was asked for, or as it is called in the definition').optional(),
      revision: text(200, 'as it was asked for').optional(),
      commit: text(128, 'what is built').optional(),
      ref: text(400, 'what the commit was reached from').optional(),
      recipe: text(400, 'its path in the repository').optional(),
      parameters: z
        .record(z.string().max(64), z.string().max(200))
        .describe('as they were asked for; at most 10')
        .optional(),
      definition: hex('SHA-256 of the build definition, which names every input').optional(),
      outcome: text(20, '`built`, `reused` or `failed`').optional(),
      artifacts: z
        .array(z.strictObject({ name: text(400, 'its file'), sha256: hex('its digest') }))
        .max(10)
        .optional(),
      artifactsOmitted: z.int().min(1).describe('how many more artifacts the entry has').optional(),
      builder: text(400, 'the id of the builder, as in the provenance').optional(),
      provenance: hex('SHA-256 of the signed provenance, as it lies in its file').optional(),
      problems: z.array(text(100, 'a code')).max(20).describe('why it failed').optional(),
      record: z
        .strictObject({
          log: text(255, 'the origin of the log of somebody else that keeps a record of it'),
          entry: z
            .int()
            .min(0)
            .describe('the place there; left out: it could not be had')
            .optional(),
        })
        .optional(),
      log: text(255, 'of `build.recorded`: the origin of the log of the builder').optional(),
      trigger: z
        .strictObject({
          requester: text(400, 'as they or their pipeline call themselves'),
          principal: text(400, 'as they have proven it').optional(),
        })
        .describe('who asked for the build')
        .optional(),
    })
    .optional(),
  judged: z
    .strictObject({
      by: text(200, 'the other engine'),
      version: text(100, 'of it').optional(),
      verdict: text(20, '`allow`, `deny` or `undefined`'),
      entry: z.int().min(0).describe('the decision of this gate about the same'),
    })
    .optional(),
  access: z
    .strictObject({
      code: text(100, '`ACCESS_UNAUTHENTICATED` or `ACCESS_FORBIDDEN`'),
      status: z.int().min(400).max(599),
      method: text(20, 'of the request'),
      route: text(100, 'what was asked for, as in metrics'),
      offered: z.boolean().describe('whether a token or certificate was sent'),
      address: text(64, 'who is at the other end of the connection; `others` once there are many'),
      count: z.int().min(1).describe('how often, from `first` to `last`'),
      first: text(40, 'RFC 3339'),
      last: text(40, 'RFC 3339'),
    })
    .optional(),
  problem: problem
    .extend({
      expected: text(400, 'what should be'),
      found: text(400, 'what is'),
      fix: text(400, 'what to do'),
    })
    .optional(),
  rulebook: hex('SHA-256 over policies and trust file, in use').optional(),
  ends: text(40, 'when a certificate ends').optional(),
  about: text(64, 'the `id` of the event that this one is about').optional(),
  lost: z.int().min(1).describe('how many events were dropped').optional(),
})

const names = Object.keys(eventTypes) as EventName[]
const [first, ...rest] = names.map((name) => `${eventTypePrefix}${name}` as const)

/** Where the schema of `data` is named; never changes its meaning. */
export const eventSchemaId = 'https://sallyport.dev/schemas/security-event/v1'

/** An event of the gate: CloudEvents 1.0, JSON format, with the extension attribute `severity`. */
export const securityEventSchema = z.strictObject({
  specversion: z.literal('1.0'),
  id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .describe('the same `source` and `id` is the same event, told twice'),
  source: text(800, 'the log, as `//ORIGIN`'),
  type: z.enum([first as string, ...rest]).describe('see above'),
  time: text(40, 'when it happened (RFC 3339, UTC)'),
  subject: text(80, 'the artifact: `sha256:…`').optional(),
  severity: z.enum(eventSeverities),
  datacontenttype: z.literal('application/json'),
  dataschema: z.literal(eventSchemaId),
  data: dataSchema,
})

export type SecurityEventData = z.output<typeof dataSchema>
export type ExportedEvent = z.output<typeof securityEventSchema>

/** JSON Schema of one event. */
export function securityEventJsonSchema(): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(securityEventSchema)
  return { ...schema, $id: eventSchemaId, title: 'Sallyport security event' }
}
