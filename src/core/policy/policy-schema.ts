import { breakglassSchema } from '#trust'
import { z } from 'zod'
import { artifactSchema } from './artifact-name.ts'
import { deployersSchema } from './deployers.ts'
import { rules } from './rules.ts'
import { versionSchema } from './schema-parts.ts'

const name = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/, 'a name of lower-case letters, digits, . _ -')

const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})

const target = z.strictObject({
  environment: z.string().min(1).max(200).describe('compared exactly'),
  service: z.string().min(1).max(200).describe('compared exactly'),
})

const head = {
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('DeploymentPolicy'),
  metadata: z.strictObject({ name, owner: z.string().min(1).max(200), version: versionSchema }),
  targets: z
    .array(target)
    .min(1, 'at least one target')
    .max(1024)
    .describe('where this policy, and no other, decides'),
  artifacts: z
    .array(artifactSchema)
    .min(1, 'at least one artifact')
    .max(256)
    .optional()
    .describe(
      'what may run there, by the names that builders give: package URLs, names, or {prefix: …/}',
    ),
}

const exemption = z.strictObject({
  rule: z
    .string()
    .min(1)
    .max(200)
    .describe('the rule that need not hold: its name, or its place such as require[2].scanned'),
  reason: z.string().min(1).max(1000).describe('why it may be so'),
  owner: z.string().min(1).max(200).describe('who answers for it'),
  since: time.optional().describe('from when; before it the exemption counts for nothing'),
  expires: time.describe('until when; an exemption without end would be another policy'),
})

const tail = {
  exemptions: z
    .array(exemption)
    .max(64)
    .default([])
    .describe('rules that need not hold for a while; they are evaluated and shown all the same'),
  deployers: deployersSchema.optional(),
  mode: z
    .enum(['enforce', 'audit'])
    .default('enforce')
    .describe('audit: admit whatever the verdict is, and say so'),
  auditUntil: time.optional().describe('with mode audit: from then on the policy enforces'),
  identifiedBy: z
    .array(
      z.string().regex(/^[a-zA-Z0-9_]{1,64}$/, 'the name of an identifier such as gce_image_id'),
    )
    .max(8)
    .default([])
    .describe(
      'what names an artifact here besides its SHA-256, SHA-384 or SHA-512: immutable identifiers that the platform gives, such as gce_image_id',
    ),
  multiPlatform: z
    .enum(['index', 'images'])
    .default('index')
    .describe(
      'an OCI index needs evidence of its own; images: or every image that it lists needs evidence',
    ),
  whenUnavailable: z
    .enum(['deny', 'allow'])
    .default('deny')
    .describe(
      'allow: admit when evidence cannot be looked for; bad or missing evidence still denies',
    ),
  breakglass: breakglassSchema
    .optional()
    .describe(
      'who may let an artifact in although a rule says no, in an emergency; left out: nobody',
    ),
}

/** The policy without its rules, which are checked one by one so that each problem names its rule. */
export const policySchema = z.strictObject({
  ...head,
  require: z.array(z.unknown()).max(64),
  ...tail,
})

/** The JSON Schema of a DeploymentPolicy, for editors. */
export function policyJsonSchema(): Readonly<Record<string, unknown>> {
  const entries = [...rules.values()].map((rule) =>
    z.strictObject({ [rule.name]: rule.schema.describe(rule.threat) }),
  )
  const [first, ...rest] = entries
  if (first === undefined) throw new TypeError('there are rules')
  const whole = z.strictObject({
    ...head,
    require: z
      .array(z.union([first, ...rest]))
      .min(1)
      .max(64)
      .describe('every one of these must hold'),
    ...tail,
  })
  return {
    ...z.toJSONSchema(whole, { io: 'input', target: 'draft-2020-12' }),
    $id: 'https://sallyport.dev/schemas/deployment-policy/v1',
    title: 'Sallyport DeploymentPolicy',
  }
}
