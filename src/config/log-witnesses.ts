import { resolve } from 'node:path'
import { z } from 'zod'

const path = z.string().min(1).max(4096)

/** `log.witnesses` of `sallyport.yaml`: who cosigns the checkpoints of the log. Left out: nobody. */
export const logWitnessesSchema = z
  .strictObject({
    policy: path.describe(
      'a policy file as c2sp.org/tlog-policy has it: witnesses, groups, quorum',
    ),
    ca: path.optional().describe('PEM certificates of private authorities of the witnesses'),
    folder: path.default('witnessed').describe('where the cosigned checkpoint is kept'),
    timeoutSeconds: z.number().min(0.1).max(60).default(1),
    intervalSeconds: z.number().min(0.05).max(3600).default(1),
    warnAfterSeconds: z.number().min(1).max(86_400).default(30),
    // What is done at the start when fewer than a quorum answer. What they answer always counts.
    atStart: z.enum(['warn', 'require']).default('warn'),
    plainHttpUnsafe: z.boolean().default(false),
  })
  .optional()

/** Who cosigns the checkpoints of the log, and how they are asked. */
export interface LogWitnessesConfig {
  readonly policy: string
  readonly ca?: string
  readonly folder: string
  readonly timeoutMs: number
  readonly intervalMs: number
  readonly warnAfterMs: number
  readonly atStart: 'warn' | 'require'
  readonly plainHttpUnsafe: boolean
}

/** Every path absolute. */
export function logWitnessesOf(
  home: string,
  written: z.output<typeof logWitnessesSchema>,
): { readonly witnesses?: LogWitnessesConfig } {
  if (written === undefined) return {}
  const { policy, ca, folder, timeoutSeconds, intervalSeconds, warnAfterSeconds, ...rest } = written
  return {
    witnesses: {
      ...rest,
      policy: resolve(home, policy),
      folder: resolve(home, folder),
      timeoutMs: Math.round(timeoutSeconds * 1000),
      intervalMs: Math.round(intervalSeconds * 1000),
      warnAfterMs: Math.round(warnAfterSeconds * 1000),
      ...(ca === undefined ? {} : { ca: resolve(home, ca) }),
    },
  }
}
