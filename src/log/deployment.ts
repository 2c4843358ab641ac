import { z } from 'zod'
import { checkShape, encodeCanonical, parseJson, type Json } from '#document'
import type { Log, Receipt } from './log.ts'
import { isObject } from './record.ts'

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

/** Records the result of a deployment. When it resolves, it is durable. */
export async function recordDeployment(
  log: Pick<Log, 'append'>,
  deployment: Deployment,
): Promise<Receipt> {
  const what = 'the deployment'
  const checked = checkShape(deploymentSchema, deployment as unknown as Json, { what })
  return await log.append(encodeCanonical(checked))
}

/** The deployment that an entry is; undefined when it is something else. */
export function parseDeployment(entry: Uint8Array): Deployment | undefined {
  const what = 'the log entry'
  const value = parseJson(entry, { what })
  if (!isObject(value) || value['kind'] !== 'Deployment') return undefined
  return checkShape(deploymentSchema, value, { what })
}
