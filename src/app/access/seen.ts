import { setImmediate } from 'node:timers/promises'
import { exemptedIn, type Decision } from '#decision'
import type { BodyStore, LogView } from '#log'
import { readEntry, type OtherEntry } from '../read-entry.ts'
import { waiverNames } from './waiver-names.ts'

/** What the newest part of the log tells about who did something: each name with the last time. */
export interface Seen {
  /** Whoever asked, deployed or reviewed, as they have proven it: `token:ci`. */
  readonly principals: ReadonlyMap<string, string>
  /** Signers whose word was verified, by their names in the trust file. */
  readonly signers: ReadonlyMap<string, string>
  /** Owners of keys that have broken the glass: `POLICY OWNER`. */
  readonly approvers: ReadonlyMap<string, string>
  /** Whoever asked under a policy: `POLICY PRINCIPAL`; without principal where nobody was proven. */
  readonly askers: ReadonlyMap<string, string>
  /** Choke points that have asked, without anybody being proven. */
  readonly openly: ReadonlyMap<string, string>
  /** Waivers of policies that let something in, by `waiverNames`. */
  readonly waivers: ReadonlyMap<string, string>
  /** What was let in, by target and choke point. */
  readonly letIn: ReadonlyMap<string, LetIn>
  /** The oldest time that was read. */
  readonly since?: string
  readonly entries: number
  /** Whether nothing of the interval, and nothing of the log, was left out for its length. */
  readonly complete: boolean
}

/** The decisions of one choke point that let something into one target. */
export interface LetIn {
  readonly environment: string
  readonly service: string
  readonly chokePoint: string
  readonly count: number
  /** The newest of them. */
  readonly entry: number
  readonly time: string
}

export interface SeenOptions {
  /** What was before is of no interest. */
  readonly from: Date
  readonly maxEntries: number
}

const chunk = 256
/** Entries after which whoever else works here has a turn. */
const atATime = 16

/** Reads the log from its newest entry backwards, until it is older than is asked for or too much. */
export async function readSeen(
  view: Pick<LogView, 'size' | 'entries'>,
  bodies: BodyStore,
  { from, maxEntries }: SeenOptions,
): Promise<Seen> {
  const tally = openTally()
  const start = Math.max(0, view.size - maxEntries)
  let end = view.size
  while (end > start) {
    const begin = Math.max(start, end - chunk - (end % chunk))
    let newest = ''
    for await (const { index, entry } of view.entries(begin, end)) {
      const time = await tally.read(entry, index, bodies)
      if (time > newest) newest = time
      if (index % atATime === 0) await setImmediate()
    }
    end = begin
    // An entry may tell of an earlier time than those before it: only a whole stretch of old ones ends the reading.
    if (newest !== '' && Date.parse(newest) < from.getTime()) break
  }
  return { ...tally.result(), complete: end === 0 || end > start || tally.oldest() < from }
}

function openTally() {
  const principals = new Map<string, string>()
  const signers = new Map<string, string>()
  const approvers = new Map<string, string>()
  const askers = new Map<string, string>()
  const openly = new Map<string, string>()
  const waivers = new Map<string, string>()
  const letIn = new Map<string, LetIn>()
  let since: string | undefined
  let entries = 0
  const decided = (decision: Decision, index: number): void => {
    const { time, request, policy } = decision
    const { principal, chokePoint } = request
    // Nobody has used anything when the gate decides again by itself.
    if (request.rechecks !== undefined) return
    if (principal === undefined) note(openly, chokePoint, time)
    else note(principals, principal, time)
    if (policy !== null) note(askers, `${policy.name} ${principal ?? ''}`, time)
    for (const signer of vouching(decision)) note(signers, signer, time)
    for (const approver of approving(decision)) note(approvers, approver, time)
    for (const waiver of waivedIn(decision)) note(waivers, waiver, time)
    if (decision.effect !== 'blocked') add(letIn, decision, index)
  }
  return {
    async read(entry: Uint8Array, index: number, bodies: BodyStore): Promise<string> {
      const said = await readEntry(entry, index, bodies)
      const { time } = said
      entries += 1
      if (said.kind === 'Decision') decided(said, index)
      else {
        const who = doneBy(said)
        if (who !== undefined) note(principals, who, time)
      }
      if (time !== '' && (since === undefined || time < since)) since = time
      return time
    },
    oldest: () => new Date(since ?? Date.now()),
    result: () => ({
      principals,
      signers,
      approvers,
      askers,
      openly,
      waivers,
      letIn,
      entries,
      ...(since === undefined ? {} : { since }),
    }),
  }
}

function vouching({ evidence }: Decision): readonly string[] {
  return evidence.flatMap(({ verified, signers = [] }) => (verified ? signers : []))
}

function approving({ breakglass, policy }: Decision): readonly string[] {
  const { used, terms } = breakglass ?? {}
  const from = terms?.from === 'trust' ? 'trust' : (policy?.name ?? 'trust')
  return (used?.approvers ?? []).map((owner) => `${from} ${owner}`)
}

function waivedIn(decision: Decision): readonly string[] {
  const { policy, effect } = decision
  if (policy === null) return []
  const names = waiverNames(policy.name)
  return [
    ...exemptedIn(decision).map(({ rule }) => names.exemption(rule)),
    ...(effect === 'admitted-audit' ? [names.audit] : []),
    ...(effect === 'admitted-unavailable' ? [names.unavailable] : []),
  ]
}

/** Who has done what an entry tells of, where they have proven who they are. */
function doneBy(entry: OtherEntry): string | undefined {
  switch (entry.kind) {
    case 'BreakglassReview':
      // Older entries have the name alone.
      return entry.principal ?? entry.by
    case 'BuildBegun':
      return entry.trigger.principal
    case 'AccessReview':
    case 'Deployment':
    case 'BuildRecord':
    case 'ExternalVerdict':
      return entry.principal
    // Who asked for what was refused before anything was decided may be anybody.
    case 'Refusal':
    case 'BuildDefined':
    case 'BuildEnded':
      return undefined
  }
}

function note(seen: Map<string, string>, name: string, time: string): void {
  const before = seen.get(name)
  if (before === undefined || before < time) seen.set(name, time)
}

function add(letIn: Map<string, LetIn>, { request, time }: Decision, entry: number): void {
  const { target, chokePoint } = request
  const key = JSON.stringify([target.environment, target.service, chokePoint])
  const before = letIn.get(key)
  const newest = before !== undefined && before.entry > entry ? before : { entry, time }
  letIn.set(key, {
    ...target,
    chokePoint,
    count: (before?.count ?? 0) + 1,
    entry: newest.entry,
    time: newest.time,
  })
}
