import { z } from 'zod'

// What a builder tells a gate elsewhere of a build that it has signed, so that its own copy cannot be altered in silence.

const text = z.string().min(1).max(2000)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters')
const place = z.strictObject({ index: z.int().min(0), sha256 })

export const buildAskSchema = z.strictObject({
  build: z
    .string()
    .regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'the id of a build, a UUID'),
  log: z
    .strictObject({ origin: text, begun: place, defined: place })
    .describe('the log of the builder, and its entries about this build, with the SHA-256 of each'),
  trigger: z
    .strictObject({ requester: text, principal: text.exactOptional() })
    .describe('who asked for the build, as the builder knows'),
  source: z.strictObject({ uri: text, commit: text, ref: text.exactOptional() }),
  definition: sha256.describe('of the build definition, which names every input'),
  outcome: z.enum(['built', 'reused']),
  artifacts: z
    .array(z.strictObject({ name: text, sha256 }))
    .min(1)
    .max(100),
  provenance: z
    .strictObject({ sha256, statement: sha256, builderId: text, keyid: text })
    .describe(
      'digests of the attestation as it lies in a file, and of the statement that was signed',
    ),
})

export const builtSchema = z.strictObject({
  entry: z.int().min(0).describe('where it stands in the log'),
  record: z.string().max(65_535).describe('the bytes of the entry'),
  proof: z.string().max(2_000_000).describe('that it is in the log: a .tlog-proof'),
})

export type BuildAsk = z.output<typeof buildAskSchema>
export type Built = z.output<typeof builtSchema>
