import { z } from 'zod'
import { encodeDecision, type Decision } from '#decision'
import { checkShape, encodeCanonical, isObject, parseJson } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { Log, Receipt } from './log.ts'
import type { BodyStore } from './ports.ts'

/** A decision, and the bytes of everything it was made from: the trust file, the policy files, each piece of evidence. */
export interface DecisionRecord {
  readonly decision: Decision
  readonly inputs: readonly Uint8Array[]
}

/**
 * Records a decision: first everything that it was made from, then the decision itself. When it resolves, both are
 * durable and the decision can be made again from them alone. Refuses a decision that names an input which is not
 * among `inputs`: nobody could ever check it.
 */
export async function recordDecision(
  log: Pick<Log, 'append'>,
  bodies: BodyStore,
  { decision, inputs }: DecisionRecord,
): Promise<Receipt> {
  const kept = new Set(await Promise.all(inputs.map((bytes) => bodies.put(bytes))))
  SallyportError.throwAll(
    inputDigests(decision).flatMap((one) => (kept.has(one.digest) ? [] : [notKept(one)])),
  )
  const bytes = encodeDecision(decision)
  return log.append(bytes.length <= maxInlineBytes ? bytes : await referTo(bytes, bodies))
}

/** The decision that an entry records: the entry itself, or the body it refers to. */
export async function recordedDecision(entry: Uint8Array, bodies: BodyStore): Promise<Uint8Array> {
  const what = 'the log entry'
  const value = parseJson(entry, { what })
  if (!isObject(value) || value['kind'] !== referenceKind) return entry
  const { decision } = checkShape(referenceSchema, value, { what })
  const bytes = await bodies.get(decision.sha256)
  if (bytes !== undefined) return bytes
  throw bodyMissing('the decision itself', decision.sha256)
}

/**
 * What is wrong with an entry, or with its body, for whoever tells it and passes over it; undefined for anything else: a log
 * that cannot be reached is read later.
 */
export function damageOf(error: unknown, index: number): Problem | undefined {
  if (!(error instanceof SallyportError) || error.code.startsWith('LOG_')) return undefined
  const { code, expected, found, fix } = error
  return { code, where: `entry ${index} of the log`, expected, found, fix }
}

/** A body that a record names and the store has not. */
export function bodyMissing(what: string, digest: string): SallyportError {
  return new SallyportError(missing(what, digest))
}

export function missing(what: string, digest: string): Problem {
  return {
    code: 'RECORD_BODY_MISSING',
    where: what,
    expected: `a body with SHA-256 ${quote(digest, 80)}`,
    found: 'none in the body store',
    fix: `Restore ${quote(digest, 80)} from a copy of the body store (the folder "blobs" of Sallyport’s home)`,
  }
}

/**
 * An entry has at most 65,535 bytes. Decisions have two to five thousand; a longer one is kept as a body and logged by
 * its digest already from here on, because the bundle at the edge is written again with each entry that comes alone.
 */
const maxInlineBytes = 16_384

const referenceKind = 'DecisionReference'
const referenceSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal(referenceKind),
  decision: z.strictObject({ sha256: z.string(), size: z.int().min(0) }),
})

async function referTo(bytes: Uint8Array, bodies: BodyStore): Promise<Uint8Array> {
  const sha256 = await bodies.put(bytes)
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: referenceKind,
    decision: { sha256, size: bytes.length },
  })
}

function inputDigests({ inputs }: Decision) {
  const files = [inputs.trust, ...(inputs.trust.roots ?? []), ...inputs.policies].map(
    ({ file, digest }) => ({
      what: file,
      digest,
    }),
  )
  const indexes = (inputs.indexes ?? []).map((digest) => ({ what: 'the index', digest }))
  const evidence = inputs.evidence.map(({ source, digest }) => ({ what: source, digest }))
  return [...files, ...evidence, ...indexes]
}

function notKept({ what, digest }: { readonly what: string; readonly digest: string }): Problem {
  return {
    code: 'RECORD_BODY_MISSING',
    where: quote(what),
    expected: `the bytes with SHA-256 ${quote(digest, 80)} among what is to be kept`,
    found: 'none with that digest',
    fix: 'Report this as a defect of Sallyport: a decision names an input that it was not made from, or that changed on the way',
  }
}
