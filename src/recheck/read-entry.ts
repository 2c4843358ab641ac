import type { Decision } from '#decision'
import { encodeCanonical, parseJson, sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import { recordedDecision, type BodyStore } from '#log'
import type { OpenAdmission, SettledAdmission } from './open-admission.ts'

/** What an entry means for the queue; undefined for all others. */
export type QueueEntry =
  | { readonly kind: 'admission'; readonly admission: OpenAdmission }
  | {
      readonly kind: 'recheck'
      readonly rechecks: NonNullable<Decision['request']['rechecks']>
      readonly about: string
      readonly recheck: SettledAdmission['recheck']
    }
  | { readonly kind: 'unreadable'; readonly problem: Problem }

/** What stands in each entry that means something for the queue, and in others. */
export const queueMarks = ['"admitted-unavailable"', '"rechecks"', '"DecisionReference"'] as const
const maxName = 300
const maxReasons = 8
const maxText = 500

/**
 * Reads one entry. What cannot be read might be one that let something in: that is no reason to forget it, nor to stop.
 *
 * @throws SallyportError when the log or its bodies cannot be reached now
 */
export async function readEntry(
  index: number,
  entry: Uint8Array,
  bodies: BodyStore,
): Promise<QueueEntry | undefined> {
  try {
    const bytes = await recordedDecision(entry, bodies)
    const value = parseJson(bytes, { what: `entry ${index} of the log` })
    return meaningOf(index, value as unknown as Decision)
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code.startsWith('LOG_')) throw error
    return { kind: 'unreadable', problem: shorten(error) }
  }
}

/** What a decision at a place of the log means for the queue. */
export function meaningOf(index: number, decision: Decision): QueueEntry | undefined {
  const { kind, request, effect, verdict, time, reasons } = decision
  if (kind !== 'Decision') return undefined
  const { rechecks } = request
  if (rechecks !== undefined) {
    // What could still not be told settles nothing.
    if (verdict !== 'ALLOW' && verdict !== 'DENY') return undefined
    const shown = reasons.slice(0, maxReasons).map(shorten)
    const recheck = { entry: index, time, verdict, reasons: shown }
    return { kind: 'recheck', rechecks, about: aboutDecision(decision), recheck }
  }
  if (effect !== 'admitted-unavailable') return undefined
  return { kind: 'admission', admission: admissionOf(index, decision) }
}

/** Enough to see what it is; the entry has all of it. */
function shorten({ code, where, expected, found, fix }: Problem): Problem {
  const cut = (text: string): string => text.slice(0, maxText).toWellFormed()
  const at = where === undefined ? {} : { where: cut(where) }
  return { code, ...at, expected: cut(expected), found: cut(found), fix: cut(fix) }
}

/** Which bytes, and where. */
export function aboutOf({
  artifact,
  environment,
  service,
}: Pick<OpenAdmission, 'artifact' | 'environment' | 'service'>): string {
  return JSON.stringify([artifact.sha256, environment, service])
}

function aboutDecision({ request: { artifact, target } }: Decision): string {
  const sha256 = artifact.digest['sha256'] ?? ''
  return aboutOf({ artifact: { name: '', sha256 }, ...target })
}

/**
 * Whoever asks the same with the same evidence gets the same answer: that is decided again once. Through which object it
 * was asked makes no other question of it.
 */
function questionOf({ request: whole, inputs }: Decision): string {
  const request = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== 'asked'))
  const evidence = inputs.evidence.map(({ digest }) => digest).sort()
  return sha256Hex(encodeCanonical({ request, evidence }))
}

function admissionOf(index: number, decision: Decision): OpenAdmission {
  const { request, time } = decision
  const { artifact, target, requester } = request
  return {
    question: questionOf(decision),
    first: index,
    last: index,
    since: time,
    until: time,
    times: 1,
    artifact: {
      name: artifact.name.slice(0, maxName).toWellFormed(),
      sha256: artifact.digest['sha256'] ?? '',
    },
    environment: target.environment,
    service: target.service,
    ...(requester === undefined ? {} : { requester: requester.slice(0, maxName).toWellFormed() }),
  }
}
