import { parseAttestation } from '#attestation'
import type { Decision } from '#decision'
import { parseJson, Recent, sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import { damageOf, recordedDecision, type BodyStore, type LogView } from '#log'
import { partOf, reviewForm, type BreakglassReview } from './review.ts'

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
  /** Where it was asked for: `admission`, or `breakglass-import` for what was recorded afterwards. */
  readonly chokePoints: readonly string[]
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
  /** Entries that cannot be read: nobody knows whether they tell of a use. They are tried again, and keep nobody from the others. */
  unreadable(): readonly Problem[]
}

/** So many that cannot be read are tried again with each reading. */
const maxAgain = 64

export function openUses(bodies: BodyStore): UseBook {
  return new Book(bodies)
}

class Book implements UseBook {
  readonly #bodies: BodyStore
  readonly #wordsOf: (digest: string) => Promise<string>
  readonly #uses: Use[] = []
  /** Beside each use. */
  readonly #askers: Askers[] = []
  /** Those without review, by what tells uses apart. */
  readonly #open = new Map<string, number>()
  readonly #byEntry = new Map<number, number>()
  readonly #unreadable = new Map<number, Unreadable>()
  /** So many of them have been tried again since it was the first one's turn. */
  #tried = 0
  #size = 0
  #reading = Promise.resolve()

  constructor(bodies: BodyStore) {
    this.#bodies = bodies
    this.#wordsOf = openWords(bodies)
  }

  // One after another: what two read at the same time would count twice.
  async read(view: Pick<LogView, 'size' | 'entries'>): Promise<void> {
    const before = this.#reading.catch(() => undefined)
    await (this.#reading = before.then(async () => this.#readOn(view)))
  }

  uses(): readonly Use[] {
    return this.#uses.map((use, at) => this.#whole(use, at))
  }

  at(entry: number): Use | undefined {
    const at = this.#byEntry.get(entry) ?? -1
    const use = this.#uses[at]
    return use && this.#whole(use, at)
  }

  unreadable(): readonly Problem[] {
    return [...this.#unreadable.values()].map(({ problem }) => problem)
  }

  async #readOn(view: Pick<LogView, 'size' | 'entries'>): Promise<void> {
    for (const [index, { entry }] of this.#nextUnreadable()) await this.#readOne(index, entry)
    for await (const { index, entry } of view.entries(this.#size, view.size, useMarks)) {
      await this.#readOne(index, entry)
      this.#size = index + 1
    }
    this.#size = Math.max(this.#size, view.size)
  }

  /** Each has its turn: the first may be gone for good. */
  #nextUnreadable(): readonly (readonly [number, Unreadable])[] {
    const all = [...this.#unreadable]
    const from = this.#tried < all.length ? this.#tried : 0
    const next = all.slice(from, from + maxAgain)
    this.#tried = from + next.length
    return next
  }

  async #readOne(index: number, entry: Uint8Array): Promise<void> {
    const found = await entryOf(entry, this.#bodies, index)
    if ('problem' in found) {
      this.#unreadable.set(index, { entry, problem: found.problem })
      return
    }
    const use = found.decision === undefined ? undefined : useOf(found.decision, index)
    const words = await Promise.all((use?.grants ?? []).map(this.#wordsOf))
    this.#unreadable.delete(index)
    if (found.review !== undefined) this.#close(found.review)
    if (use !== undefined) this.#add(use, [...new Set(words)].sort())
  }

  #add(use: Use, words: readonly string[]): void {
    const key = [use.artifact.sha256, use.environment, use.service, ...words].join('\n')
    const at = this.#open.get(key) ?? this.#uses.length
    const before = this.#uses[at]
    this.#uses[at] = before === undefined ? use : merged(before, use)
    const askers = (this.#askers[at] ??= { requesters: new Set(), principals: new Set() })
    for (const name of use.requesters) askers.requesters.add(name)
    for (const name of use.principals) askers.principals.add(name)
    this.#open.set(key, at)
    this.#byEntry.set(use.entry, at)
  }

  #close(review: BreakglassReview): void {
    const { entry, by, principal, finding, time } = review
    const at = this.#byEntry.get(entry) ?? -1
    const use = this.#uses[at]
    if (use === undefined || use.review !== undefined) return
    // Whoever asked at the same moment stands before their review in the log, and closes nothing by it.
    if (partOf(review, this.#whole(use, at)) !== undefined) return
    const proven = principal === undefined ? {} : { principal }
    this.#uses[at] = { ...use, review: { by, ...proven, finding, time } }
    for (const [key, index] of this.#open) if (index === at) this.#open.delete(key)
  }

  #whole(use: Use, at: number): Use {
    const { requesters = [], principals = [] } = this.#askers[at] ?? {}
    return { ...use, requesters: [...requesters], principals: [...principals] }
  }
}

interface Unreadable {
  readonly entry: Uint8Array
  readonly problem: Problem
}

/** All of them: whoever were left out could review what they have asked for. */
interface Askers {
  readonly requesters: Set<string>
  readonly principals: Set<string>
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

type Found =
  | { readonly decision?: Decision; readonly review?: BreakglassReview }
  | { readonly problem: Problem }

async function entryOf(entry: Uint8Array, bodies: BodyStore, index: number): Promise<Found> {
  try {
    const review = reviewForm.parse(entry)
    if (review !== undefined) return { review }
    const bytes = await recordedDecision(entry, bodies)
    const decision = parseJson(bytes, { what: 'a recorded decision' }) as unknown as Decision
    const isUse = decision.kind === 'Decision' && decision.effect === 'admitted-breakglass'
    return isUse ? { decision } : {}
  } catch (error) {
    const problem = damageOf(error, index)
    if (problem === undefined) throw error
    return { problem }
  }
}

function useOf(decision: Decision, entry: number): Use | undefined {
  const { breakglass, request, time, verdict } = decision
  const used = breakglass?.used
  if (used === undefined) return undefined
  const grants = breakglass?.grants.filter(({ digest }) => used.grants.includes(digest)) ?? []
  const { artifact, target, requester, principal, chokePoint } = request
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
    chokePoints: [chokePoint],
  }
}

function merged(before: Use, { lastEntry, approvers, wanted, chokePoints }: Use): Use {
  return {
    ...before,
    lastEntry: Math.max(before.lastEntry, lastEntry),
    times: before.times + 1,
    approvers: [...new Set([...before.approvers, ...approvers])],
    wanted: [...new Set([...before.wanted, ...wanted])].slice(0, 200),
    chokePoints: [...new Set([...before.chokePoints, ...chokePoints])],
  }
}
