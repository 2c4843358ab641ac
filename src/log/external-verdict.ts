import { z } from 'zod'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

const text = z.string().min(1).max(2000)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters')

const verdictSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('ExternalVerdict'),
  /** RFC 3339, UTC. */
  time: text,
  engine: z.strictObject({ name: text, version: text }),
  chokePoint: text,
  requester: text,
  principal: text.exactOptional(),
  /** Who has judged, as whoever recorded it says. */
  by: z.strictObject({
    name: text,
    version: text.exactOptional(),
    /** Of the policy that it judged by. */
    policy: sha256.exactOptional(),
  }),
  /** What it was given: a body, made from evidence whose signatures had been verified, and compared with that decision. */
  export: sha256,
  decision: z.strictObject({ entry: z.int().min(0), verdict: text, effect: text }),
  artifact: z.strictObject({ name: text, sha256 }),
  target: z.strictObject({ environment: text, service: text }),
  /** Everything that it said: a body. */
  result: sha256,
  verdict: z.enum(['allow', 'deny', 'undefined']),
  explanation: z.array(z.string().min(1).max(500)).min(1).max(16),
})

/** What another policy engine has said about what was believed. Never a decision, whatever it says. */
export type ExternalVerdict = z.infer<typeof verdictSchema>

/** How that is written and read. */
export const externalVerdictForm = entryForm<ExternalVerdict>({ ExternalVerdict: verdictSchema })

/** Records it. When it resolves, it is durable. */
export async function recordExternalVerdict(
  log: Pick<Log, 'append'>,
  verdict: ExternalVerdict,
): Promise<Receipt> {
  return await log.append(externalVerdictForm.encode(verdict, 'the verdict of the other engine'))
}
