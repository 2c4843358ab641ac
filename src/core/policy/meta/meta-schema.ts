import { z } from 'zod'
import { durationSchema } from '../duration.ts'
import { rules } from '../rules.ts'
import { versionSchema } from '../schema-parts.ts'
import { demands } from './demands.ts'

const name = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,126}[a-z0-9])?$/, 'a name of lower-case letters, digits, . _ -')

const exact = z.string().min(1).max(200)

const selector = z
  .strictObject({
    environment: exact.optional().describe('compared exactly; without it, every environment'),
    service: exact.optional().describe('compared exactly; without it, every service'),
  })
  .refine(
    ({ environment, service }) => (environment ?? service) !== undefined,
    'at least one of environment and service; for every target write `targets: all`',
  )

let built: ReturnType<typeof buildSchema> | undefined

/** The meta-policy as it is written. Made when the first one is read: most decisions are made without. */
export function metaSchema(): ReturnType<typeof buildSchema> {
  return (built ??= buildSchema())
}

function buildSchema() {
  const ruleNames = z.enum([...rules.keys()])

  /** One entry of `require`: a rule, and how strict it must be at least. */
  const demand = z
    .strictObject(
      Object.fromEntries([...rules.keys()].map((rule) => [rule, demandSchema(rule).optional()])),
    )
    .refine((entry) => Object.keys(entry).length === 1, 'exactly one rule in each entry')

  return z.strictObject({
    apiVersion: z.literal('sallyport.dev/v1'),
    kind: z.literal('MetaPolicy'),
    metadata: z.strictObject({ name, owner: exact, version: versionSchema }),
    targets: z
      .union(
        [z.literal('all'), z.array(selector).min(1, 'at least one selector').max(1024)],
        '`all`, or a list of selectors such as {environment: prod}',
      )
      .describe('policies that own one of these targets are held against this'),
    require: z
      .array(demand)
      .max(64)
      .default([])
      .describe('rules that each of these policies must have, at least this strict'),
    forbid: z
      .strictObject({
        mode: z.literal('audit').optional().describe('no policy that only watches'),
        whenUnavailable: z
          .literal('allow')
          .optional()
          .describe('no policy that lets outages through'),
        rules: z.array(ruleNames).max(64).default([]).describe('none of these rules'),
        exemptions: z
          .strictObject({
            longerThan: durationSchema
              .optional()
              .describe(
                'no exemption without "since", or with a longer time from there to "expires"',
              ),
            of: z.array(ruleNames).max(64).default([]).describe('no exemption from these rules'),
          })
          .optional(),
      })
      .prefault({})
      .describe('what none of these policies may do'),
  })
}

function demandSchema(rule: string) {
  const fields = Object.entries(demands[rule] ?? {}).map(
    ([field, { schema }]) => [field, schema.optional()] as const,
  )
  return z.strictObject({
    by: z
      .array(z.string().min(1).max(64))
      .min(1)
      .max(64)
      .optional()
      .describe('nobody but these signers may be named'),
    ...Object.fromEntries(fields),
  })
}

export type MetaPolicyFile = z.output<ReturnType<typeof buildSchema>>

/** The JSON Schema of a MetaPolicy, for editors. */
export function metaJsonSchema(): Readonly<Record<string, unknown>> {
  return {
    ...z.toJSONSchema(metaSchema(), { io: 'input', target: 'draft-2020-12' }),
    $id: 'https://sallyport.dev/schemas/meta-policy/v1',
    title: 'Sallyport MetaPolicy',
  }
}
