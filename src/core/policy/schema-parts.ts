import { z } from 'zod'

/** Who may say it: names of signers of the trust file, at least one, each once. */
export const bySchema = z
  .array(z.string().min(1).max(64))
  .min(1, 'at least one signer of the trust file')
  .max(64)
  .refine((names) => new Set(names).size === names.length, 'each signer once')
  .describe('whose word counts: names of signers in the trust file')

/** Which edition of a file it is. */
export const versionSchema = z
  .int()
  .min(1)
  .max(2 ** 31)
  .optional()
  .describe('goes up with each change; mandatory where policies have to be signed')

/** How many distinct owners must have said it. */
export const countSchema = z
  .int()
  .min(1)
  .max(64)
  .default(1)
  .describe('how many distinct owners must say it; two keys of one owner count once')

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()])

/** The values that an external parameter may have. */
export const parameterValue = z.union(
  [
    z
      .array(z.union([scalar, z.array(scalar)]))
      .min(1, 'at least one value')
      .max(256),
    z.strictObject({
      anyValueUnsafe: z
        .literal(true)
        .describe('whoever starts a build chooses; only for harmless values'),
    }),
  ],
  'a list of values such as [release], or {anyValueUnsafe: true}',
)
