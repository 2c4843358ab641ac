import { z } from 'zod'
import { schemeNames } from './scheme.ts'

const name = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'a name of lower-case letters, digits, . _ -')
const owner = z.string().min(1).max(200)
const uri = z
  .string()
  .max(2000)
  .regex(
    /^[a-z][a-z0-9+.-]*:[^\s*]+$/,
    'an absolute URI, compared exactly (no wildcard), such as "https://slsa.dev/provenance/v1"',
  )
const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})

const key = z.strictObject({
  publicKey: z.string().max(20_000).describe('PEM, SubjectPublicKeyInfo'),
  scheme: z.enum(schemeNames).optional().describe('needed when the key allows several'),
  owner: owner.optional().describe("who holds the key; default is the signer's owner"),
  validFrom: time,
  validUntil: time.optional(),
  retired: time.optional(),
  compromisedSince: time.optional(),
})

const builder = z.strictObject({
  id: uri,
  level: z
    .int()
    .min(0, 'a level from 0 to 3')
    .max(3, 'a level from 0 to 3')
    .default(1)
    .describe('the highest SLSA Build level it may claim'),
})

const signer = z.strictObject({
  owner: owner.optional().describe("default is the signer's name"),
  keys: z.array(key).min(1, 'at least one key').max(64),
  predicateTypes: z.array(uri).min(1, 'at least one predicate type').max(64),
  builders: z.array(builder).max(256).default([]),
  threshold: z.int().min(1).max(64).default(1),
})

/** The trust file as it is written. */
export const trustSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Trust'),
  metadata: z.strictObject({ name, owner }),
  signers: z
    .record(name, signer)
    .refine((signers) => Object.keys(signers).length > 0, 'at least one signer'),
})

export type TrustFile = z.infer<typeof trustSchema>
export type SignerEntry = z.infer<typeof signer>
export type KeyEntry = z.infer<typeof key>
