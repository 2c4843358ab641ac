import { z } from 'zod'

const longestHours = 168

const signer = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'a signer of the trust file, by its name')

/** How the glass may be broken: who grants, how many of them, and for how long at most. Policies and trust file share it. */
export const breakglassSchema = z.strictObject({
  approvers: z
    .array(signer)
    .min(1, 'at least one approver')
    .max(32)
    .refine((names) => new Set(names).size === names.length, 'each approver once')
    .describe('signers of the trust file who may grant it'),
  count: z
    .int()
    .min(1)
    .max(16)
    .default(1)
    .describe('how many distinct owners of their keys have to grant it'),
  maxDuration: z
    .string()
    .regex(/^[1-9]\d{0,3}[mh]$/, 'minutes or hours, such as 30m or 4h')
    .transform((text) => {
      const unit = text.endsWith('h') ? 3_600_000 : 60_000
      return { text, milliseconds: Number(text.slice(0, -1)) * unit }
    })
    .refine(
      ({ milliseconds }) => milliseconds <= longestHours * 3_600_000,
      `at most ${longestHours}h: what lasts longer is no emergency`,
    )
    .prefault('4h')
    .describe('how long one grant may hold, in minutes or hours'),
})

/** Who may let an artifact in although the rules say no, how many of them it takes, and for how long. */
export interface BreakglassTerms {
  /** Names of signers of the trust file. */
  readonly approvers: readonly string[]
  /** So many distinct owners of their keys. */
  readonly count: number
  readonly maxDuration: { readonly text: string; readonly milliseconds: number }
}
