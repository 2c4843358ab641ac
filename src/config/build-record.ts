import { resolve } from 'node:path'
import { z } from 'zod'

const path = z.string().min(1).max(4096)

/** `build.record` of `sallyport.yaml`: the log of somebody else that keeps a record of every build. Left out: nobody does. */
export const buildRecordSchema = z
  .strictObject({
    url: z
      .string()
      .max(2000)
      .optional()
      .describe('a gate that runs; left out, receipts can be verified here, and nothing be built'),
    token: path.optional().describe('a file with the token that has the role builder there'),
    ca: path.optional().describe('PEM certificates of the authority of that gate'),
    origin: z.string().min(1).max(255).describe('the name of its log'),
    verifierKeys: z
      .array(z.string().min(1).max(8192))
      .min(1)
      .max(16)
      .describe(
        'what `sallyport log keys` prints there; a receipt must be signed with all of them',
      ),
    // What becomes of a build while nobody answers. What is answered and wrong is always refused.
    whenUnavailable: z.enum(['refuse', 'mark']).default('refuse'),
    // Whether `verify` and `gate` let in nothing without such a receipt.
    required: z.boolean().default(false),
  })
  .refine(
    ({ url, token }) => (url === undefined) === (token === undefined),
    '"url" and "token" together, or neither',
  )
  .optional()

/** The log of somebody else that keeps a record of every build. */
export interface BuildRecordConfig {
  /** Where it is asked; absent where nothing is built. */
  readonly at?: { readonly url: string; readonly token: string; readonly ca?: string }
  readonly origin: string
  readonly verifierKeys: readonly string[]
  readonly whenUnavailable: 'refuse' | 'mark'
  /** Whether `verify` and `gate` let in nothing without a receipt. */
  readonly required: boolean
}

/** Every path absolute. */
export function buildRecordOf(
  home: string,
  written: z.output<typeof buildRecordSchema>,
): { readonly record?: BuildRecordConfig } {
  if (written === undefined) return {}
  const { url, token, ca, ...log } = written
  const files = {
    token: resolve(home, token ?? ''),
    ...(ca === undefined ? {} : { ca: resolve(home, ca) }),
  }
  return {
    record: {
      ...(url === undefined ? {} : { at: { url, ...files } }),
      ...log,
    },
  }
}
