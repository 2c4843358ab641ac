import { parseAttestation } from '#attestation'
import type { Decision } from '#decision'
import { parseJson, Recent, sha256Hex } from '#document'
import { SallyportError } from '#error'
import { recordedDecision, type BodyStore, type LogView } from '#log'
import { reviewForm, type BreakglassReview } from './review.ts'

/**
 * One use of breakglass: the same grants, however their files are written, let the same bytes into the same target. A rollout
 * that asks a hundred times within it is one use, until it has been reviewed; what comes after that waits for another review.
 */
export interface Use {
  /** The first and the last decision of it, by their places in the log. */
  readonly entry: number
  readonly lastEntry: number
  readonly time: string
  readonly times: number
  readonly artifact: { readonly name: string; readonly sha256: string }
  readonly environment: string
  readonly service: string
  /** Who asked for the grants, and whoever asked the gate. */
  readonly requesters: readonly string[]
  /** Whoever asked the gate, as they have proven it: `os:jo`, `token:ci`. */
  readonly principals: readonly string[]
  readonly approvers: readonly string[]
  readonly reasons: readonly string[]
  readonly incidents: readonly string[]
  readonly wanted: readonly string[]
  readonly verdict: string
  readonly until: string
  readonly grants: readonly string[]
  readonly review?: Pick<BreakglassReview, 'by' | 'principal' | 'finding' | 'time'>
}

/** What stands in each entry that tells of a use or of a review, and in others. */
export const useMarks = [
  '"BreakglassReview"',
  '"DecisionReference"',
  '"admitted-breakglass"',
] as const

/** The uses that a log holds: a projection, read as far as `size`, and further when it is asked again. */
export interface UseBook {
  /** Reads what is new in the log. */
  read(view: Pick<LogView, 'size' | 'entries'>): Promise<void>
  /** Oldest first. */
  uses(): readonly Use[]
  /** The use that a decision belongs to. */
  at(entry: number): Use | undefined
}

export function openUses(bodies: BodyStore): UseBook {
  const uses: Use[] = []
  const open = new Map<string, number>()
  const byEntry = new Map<number, number>()
  let size = 0
  let reading = Promise.resolve()
  const wordsOf = openWords(bodies)
  const add = (use: Use, words: readonly string[]): void => {
    const { entry } = use
    const key = [use.artifact.sha256, use.environment, use.service, ...words].join('\n')
    const at = open.get(key) ?? uses.length
    const before = uses[at]
    uses[at] = before === undefined ? use : merged(before, use)
    open.set(key, at)
    byEntry.set(entry, at)
  }
  const close = ({ entry, by, principal, finding, time }: BreakglassReview): void => {
    const at = byEntry.get(entry)
    const use = at === undefined ? undefined : uses[at]
    if (at === undefined || use === undefined || use.review !== undefined) return
    const proven = principal === undefined ? {} : { principal }
    uses[at] = { ...use, review: { by, ...proven, finding, time } }
    for (const [key, index] of open) if (index === at) open.delete(key)
  }
  const readOn = async (view: Pick<LogView, 'size' | 'entries'>): Promise<void> => {
    for await (const { index, entry } of view.entries(size, view.size, useMarks)) {
      const found = await entryOf(entry, bodies)
      const use = found === undefined || 'finding' in found ? undefined : useOf(found, index)
      const words = await Promise.all((use?.grants ?? []).map(wordsOf))
      size = index + 1
      if (found !== undefined && 'finding' in found) close(found)
      if (use !== undefined) add(use, [...new Set(words)].sort())
    }
    size = Math.max(size, view.size)
  }
  return {
    // One after another: what two read at the same time would count twice.
    async read(view) {
      const before = reading.catch(() => undefined)
      await (reading = before.then(async () => readOn(view)))
    },
    uses: () => uses,
    at: (entry) => uses[byEntry.get(entry) ?? -1],
  }
}

const maxWords = 4096

/**
 * What tells grants apart: the digest of what was signed. Anybody can write that into another file, which then has another
 * digest; so has a file of which no more than that is known.
 */
function openWords(bodies: BodyStore): (digest: string) => Promise<string> {
  const known = new Recent<string>({ most: maxWords })
  return async (digest) => {
    const words = known.get(digest) ?? (await signedIn(digest, bodies)) ?? digest
    known.set(digest, words)
    return words
  }
}

async function signedIn(digest: string, bodies: BodyStore): Promise<string | undefined> {
  try {
    const bytes = await bodies.get(digest)
    const attestation = bytes === undefined ? undefined : parseAttestation(bytes)
    if (attestation?.kind === 'envelope') return sha256Hex(attestation.envelope.payload)
    if (attestation?.kind !== 'bundle') return undefined
    const { content } = attestation.bundle
    return content.kind === 'dsseEnvelope' ? sha256Hex(content.envelope.payload) : undefined
  } catch (error) {
    // A body that is damaged; a store that cannot be reached is another matter.
    if (error instanceof SallyportError && !error.code.startsWith('LOG_')) return undefined
    throw error
  }
}

async function entryOf(
  entry: Uint8Array,
  bodies: BodyStore,
): Promise<Decision | BreakglassReview | undefined> {
  const review = reviewForm.parse(entry)
  if (review !== undefined) return review
  const bytes = await recordedDecision(entry, bodies)
  const value = parseJson(bytes, { what: 'a recorded decision' }) as unknown as Decision
  return value.kind === 'Decision' && value.effect === 'admitted-breakglass' ? value : undefined
}

function useOf(decision: Decision, entry: number): Use | undefined {
  const { breakglass, request, time, verdict } = decision
  const used = breakglass?.used
  if (used === undefined) return undefined
  const grants = breakglass?.grants.filter(({ digest }) => used.grants.includes(digest)) ?? []
  const { artifact, target, requester, principal } = request
  const requesters = grants.flatMap((one) => one.requester ?? [])
  return {
    entry,
    lastEntry: entry,
    time,
    times: 1,
    artifact: { name: artifact.name, sha256: artifact.digest['sha256'] ?? '' },
    ...target,
    requesters: [...new Set([...requesters, ...(requester === undefined ? [] : [requester])])],
    principals: principal === undefined ? [] : [principal],
    approvers: used.approvers,
    reasons: [...new Set(grants.flatMap(({ reason }) => reason ?? []))],
    incidents: [...new Set(grants.flatMap(({ incident }) => incident ?? []))],
    wanted: breakglass?.wanted ?? [],
    verdict,
    until: used.until,
    grants: used.grants,
  }
}

function merged(before: Use, { lastEntry, requesters, principals, approvers, wanted }: Use): Use {
  return {
    ...before,
    lastEntry,
    times: before.times + 1,
    requesters: [...new Set([...before.requesters, ...requesters])].slice(0, 100),
    principals: [...new Set([...before.principals, ...principals])].slice(0, 100),
    approvers: [...new Set([...before.approvers, ...approvers])],
    wanted: [...new Set([...before.wanted, ...wanted])].slice(0, 200),
  }
}
