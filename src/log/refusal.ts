import { z } from 'zod'
import { encodeCanonical } from '#document'
import type { Problem } from '#error'
import { entryForm } from './entry-form.ts'
import type { Log, Receipt } from './log.ts'

/**
 * A refusal before there was anything to decide: no artifact, no target, nothing that could be read. Recorded like a
 * decision, and never decided again: what it was made from beside the request stands in its reasons.
 */
export interface Refusal {
  readonly apiVersion: 'sallyport.dev/v1'
  readonly kind: 'Refusal'
  /** RFC 3339, UTC. */
  readonly time: string
  readonly engine: { readonly name: string; readonly version: string }
  readonly chokePoint: string
  readonly requester?: string
  /** What was asked for, in the words of the choke point. */
  readonly asked: Readonly<Record<string, string>>
  readonly reasons: readonly Problem[]
}

const text = z.string()
const refusalSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Refusal'),
  time: text,
  engine: z.strictObject({ name: text, version: text }),
  chokePoint: text,
  requester: text.exactOptional(),
  asked: z.record(text, text),
  reasons: z
    .array(z.strictObject({ code: text, where: text, expected: text, found: text, fix: text }))
    .min(1),
})

/** How that is written and read. */
export const refusalForm = entryForm<Refusal>({
  // Whatever code it says: another version may have others.
  Refusal: refusalSchema as unknown as z.ZodType<Refusal>,
})

/** Records a refusal. When it resolves, it is durable. */
export async function recordRefusal(log: Pick<Log, 'append'>, refusal: Refusal): Promise<Receipt> {
  const { requester, asked, reasons } = refusal
  const written = {
    ...refusal,
    ...(requester === undefined ? {} : { requester: requester.toWellFormed() }),
    asked: wellFormed(asked),
    reasons: reasons.map((reason) => wellFormed(reason as unknown as Record<string, string>)),
  }
  return log.append(encodeCanonical(written))
}

/** Whoever asks has chosen these words. That one of them cannot be written must not keep them out of the log. */
function wellFormed(words: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(words).map(([name, text]) => [name.toWellFormed(), text.toWellFormed()]),
  )
}
