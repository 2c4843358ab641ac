import { z } from 'zod'

/** What came of deploying what the gate let in. */
export const deploymentAskSchema = z.strictObject({
  decisions: z
    .array(z.int().min(0))
    .min(1)
    .max(32)
    .describe('the decisions that allowed it, by their places in the log; your own'),
  started: z.iso.datetime({ error: 'a time in UTC such as 2026-01-01T00:00:00Z (RFC 3339)' }),
  command: z.strictObject({
    program: z.string().min(1).max(500),
    sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters'),
  }),
  exit: z.int().min(0).max(255),
  signal: z
    .string()
    .regex(/^SIG[A-Z0-9]{1,12}$/, 'the name of a signal')
    .optional(),
})

export const deployedSchema = z.strictObject({
  entry: z.int().min(0).describe('where it stands in the log'),
})

export type DeploymentAsk = z.output<typeof deploymentAskSchema>
