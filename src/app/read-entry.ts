import { reviewForm, type BreakglassReview } from '#breakglass'
import type { Decision } from '#decision'
import { isObject, parseJson, type Json } from '#document'
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
  const value = parseJson(entry, { what })
  const said = otherIn(value) ?? decisionOf(value)
  if (said !== undefined) return said
  const body = parseJson(await recordedDecision(entry, bodies), { what })
  const decision = decisionOf(body)
  if (decision !== undefined) return decision
  throw new SallyportError({
    code: 'RECORD_MALFORMED',
    where: what,
    expected: `a Decision, ${[...byKind.keys()].join(', ')}`,
    found: isObject(body)
      ? `the kind ${quote(body['kind'], 80)}`
      : 'something that is no JSON object',
    fix: 'Read it with the version of Sallyport that has recorded it, or a newer one',
  })
}

/**
 * What an entry says in which nothing was decided; undefined when it has a decision or refers to one, which is not read.
 *
 * @throws SallyportError DOCUMENT_…
 */
export function readOther(entry: Uint8Array): OtherEntry | undefined {
  return otherIn(parseJson(entry, { what: 'the log entry' }))
}

function otherIn(value: Json): OtherEntry | undefined {
  if (!isObject(value) || typeof value['kind'] !== 'string') return undefined
  return byKind.get(value['kind'])?.read(value)
}

function decisionOf(value: Json): Decision | undefined {
  return isObject(value) && value['kind'] === 'Decision'
    ? (value as unknown as Decision)
    : undefined
}
