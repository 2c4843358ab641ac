import { reviewForm, type BreakglassReview } from '#breakglass'
import type { Decision } from '#decision'
import { parseJson, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'
import {
  accessReviewForm,
  buildForm,
  buildRecordForm,
  deploymentForm,
  externalVerdictForm,
  recordedDecision,
  refusalForm,
  type AccessReview,
  type BodyStore,
  type BuildEntry,
  type BuildRecord,
  type Deployment,
  type EntryForm,
  type ExternalVerdict,
  type Refusal,
} from '#log'

/** An entry in which nothing was decided that could be decided again. */
export type OtherEntry =
  | Refusal
  | BreakglassReview
  | AccessReview
  | Deployment
  | BuildEntry
  | BuildRecord
  | ExternalVerdict

/** Everything that the log of Sallyport keeps. */
export type LogEntry = Decision | OtherEntry

const others: readonly EntryForm<OtherEntry>[] = [
  refusalForm,
  reviewForm,
  accessReviewForm,
  deploymentForm,
  buildForm,
  buildRecordForm,
  externalVerdictForm,
]
const byKind = new Map(others.flatMap((form) => form.kinds.map((kind) => [kind as string, form])))

/**
 * What an entry of the log says, whatever it is. The log proves that this is what was recorded, and decisions are written
 * by `encodeDecision` alone, so they are not held against a schema again.
 *
 * @throws SallyportError RECORD_BODY_MISSING, RECORD_MALFORMED, DOCUMENT_…
 */
export async function readEntry(
  entry: Uint8Array,
  index: number,
  bodies: BodyStore,
): Promise<LogEntry> {
  const what = `entry ${index} of the log`
  const value = parseJson(entry, { what }) as JsonObject
  const kind = value['kind']
  const other = typeof kind === 'string' ? byKind.get(kind)?.read(value) : undefined
  if (other !== undefined) return other
  if (kind === 'Decision') return value as unknown as Decision
  const decision = parseJson(await recordedDecision(entry, bodies), { what }) as JsonObject
  if (decision['kind'] === 'Decision') return decision as unknown as Decision
  throw new SallyportError({
    code: 'RECORD_MALFORMED',
    where: what,
    expected: `a Decision, ${[...byKind.keys()].join(', ')}`,
    found: `the kind ${quote(decision['kind'], 80)}`,
    fix: 'Read it with the version of Sallyport that has recorded it, or a newer one',
  })
}
