import { z } from 'zod'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

const text = z.string().max(2000)
const deploymentSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Deployment'),
  /** When the command began and when it had ended; RFC 3339, UTC. */
  started: text,
  time: text,
  engine: z.strictObject({ name: text, version: text }),
  chokePoint: text,
  requester: text.exactOptional(),
  principal: text.exactOptional(),
  target: z.strictObject({ environment: text, service: text }),
  artifacts: z
    .array(z.strictObject({ name: text, sha256: text, decision: z.int().min(0) }))
    .min(1)
    .max(100),
  /** The program, and the digest of the whole command as it was written: words of it may be nobody's business. */
  command: z.strictObject({ program: text, sha256: text }),
  exit: z.int().min(0).max(255),
  signal: text.exactOptional(),
})

/** What came of deploying what was decided about. An entry of the log, never decided again. */
export type Deployment = z.infer<typeof deploymentSchema>

/** How that is written and read. */
export const deploymentForm = entryForm<Deployment>({ Deployment: deploymentSchema })

/** Records the result of a deployment. When it resolves, it is durable. */
export async function recordDeployment(
  log: Pick<Log, 'append'>,
  deployment: Deployment,
): Promise<Receipt> {
  return await log.append(deploymentForm.encode(deployment, 'the deployment'))
}
