import type { EventName, SecurityEventData } from '#api'
import { exemptedIn, type Decision, type GrantResult } from '#decision'
import { sha256Hex } from '#document'
import { cut, type Message } from '#events'
import type { BodyStore, BuildBegun } from '#log'
import { hashLeaf } from '#merkle'
import { exemptionData, makeMessage, reasonsOf, type RecordData } from './event.ts'
import { tellerOf } from './record-events.ts'

const maxExemptions = 8

export interface EntryPlace {
  /** The name of the log. */
  readonly origin: string
  readonly index: number
  readonly bodies: Pick<BodyStore, 'get'>
  /** Another entry of the same log. */
  readonly entryAt: (index: number) => Promise<Uint8Array>
  /** Which events somebody wants: the others are not made. */
  readonly wants: (name: EventName) => boolean
}

/**
 * The events of one entry of the log: functions of the log up to it, so that whoever tells it again tells the same. What
 * cannot be read is an event, too, and keeps nobody from the entries after it.
 *
 * @throws what log and body store throw when they cannot be asked
 */
export async function eventsOfEntry(
  entry: Uint8Array,
  place: EntryPlace,
): Promise<readonly Message[]> {
  const record = parse(entry)
  const { kind, decision: reference } = record as { kind?: string; decision?: { sha256?: string } }
  if (kind === 'BuildEnded')
    return eventsOf(record, {
      ...place,
      entry,
      bytes: entry,
      trigger: await triggerOf(record, place),
    })
  if (kind !== 'DecisionReference')
    return eventsOf(record, { ...place, entry, bytes: entry, trigger: {} })
  const sha256 = String(reference?.sha256)
  const bytes = await place.bodies.get(sha256)
  if (bytes === undefined) return unreadable({ ...place, entry }, `no body ${sha256}`)
  return eventsOf(parse(bytes), { ...place, entry, bytes, trigger: {} })
}

/** Who asked for a build stands in the entry with which it began, to which its end refers. */
async function triggerOf(
  ended: object,
  { index, entryAt, wants }: EntryPlace,
): Promise<Partial<BuildBegun['trigger']>> {
  const { begun, build } = ended as { begun?: unknown; build?: unknown }
  const isBefore = Number.isSafeInteger(begun) && Number(begun) >= 0 && Number(begun) < index
  if (!isBefore || !(wants('build.ended') || wants('build.failed'))) return {}
  const said = parse(await entryAt(Number(begun))) as Partial<BuildBegun>
  return said.kind === 'BuildBegun' && said.build === build ? { ...said.trigger } : {}
}

interface EntryParts extends EntryPlace {
  readonly entry: Uint8Array
  /** The record: the entry, or the body that it names. */
  readonly bytes: Uint8Array
  /** Who asked for the build that it is the end of. */
  readonly trigger: Partial<BuildBegun['trigger']>
}

/** It has been proven to be in the log, so it is ours; other versions may have written it. */
function parse(bytes: Uint8Array): object {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function eventsOf(record: object, parts: EntryParts): readonly Message[] {
  try {
    const { kind } = record as { kind?: string }
    if (kind === 'Decision') return ofDecision(record as Decision, parts)
    if (typeof kind === 'string') {
      const { name, data } = tellerOf(kind)
      return one(name(record), parts, () => data(record, parts.trigger))
    }
  } catch {
    // A record of ours that has another shape than it should: told as such.
  }
  return unreadable(parts, 'no record that this version knows')
}

function one(name: EventName, parts: EntryParts, make: () => RecordData): readonly Message[] {
  if (!parts.wants(name)) return []
  const { time = '', ...data } = make()
  const proof = proofOf(parts)
  return [
    makeMessage(name, {
      key: `entry ${parts.index}`,
      time,
      origin: parts.origin,
      data: { ...data, summary: cut(data.summary, 1000), proof },
    }),
  ]
}

function proofOf({ origin, index, entry }: Pick<EntryParts, 'origin' | 'index' | 'entry'>) {
  return {
    log: cut(origin, 255),
    entry: index,
    leaf: Buffer.from(hashLeaf(entry)).toString('hex'),
  }
}

function unreadable(
  parts: EntryPlace & { readonly entry: Uint8Array },
  found: string,
): readonly Message[] {
  const summary = `entry ${parts.index} of the log cannot be told: ${found}`
  const more = { ...parts, bytes: parts.entry, trigger: {} }
  return one('log.entry-unreadable', more, () => ({ summary }))
}

function ofDecision(decision: Decision, parts: EntryParts): readonly Message[] {
  const refused = (decision.breakglass?.grants ?? []).filter(({ problems }) => problems.length > 0)
  return [
    ...one(nameOf(decision), parts, () => decided(decision, parts)),
    ...(refused.length === 0
      ? []
      : one('breakglass.grant-refused', parts, () => grantsRefused(decision, refused))),
  ]
}

function nameOf({ effect, verdict }: Decision): EventName {
  switch (effect) {
    case 'admitted':
    case 'admitted-audit':
    case 'admitted-unavailable':
      return `decision.${effect}`
    case 'admitted-breakglass':
      return 'breakglass.used'
    case 'blocked':
      if (verdict === 'UNDETERMINED') return 'decision.undetermined'
      return verdict === 'POLICY_ERROR' ? 'decision.policy-error' : 'decision.refused'
  }
}

function asked({ request }: Decision) {
  const { artifact, target, chokePoint, requester, principal } = request
  return {
    chokePoint: cut(chokePoint, 200),
    ...(requester === undefined ? {} : { requester: cut(requester, 400) }),
    ...(principal === undefined ? {} : { principal: cut(principal, 400) }),
    target: { environment: cut(target.environment, 200), service: cut(target.service, 200) },
    artifact: {
      name: cut(artifact.name, 400),
      sha256: cut(artifact.digest['sha256'] ?? '', 128),
    },
  }
}

function decided(decision: Decision, { bytes }: EntryParts): RecordData {
  const { policy, inputs, verdict, effect, time } = decision
  const { artifact, target, ...who } = asked(decision)
  const used = usedOf(decision)
  return {
    summary: `${effect}: ${artifact.name} in ${target.environment}/${target.service}, verdict ${verdict}`,
    time,
    artifact,
    target,
    ...who,
    verdict,
    effect,
    ...(policy === null
      ? {}
      : { policy: { name: cut(policy.name, 200), digest: policy.digest, mode: policy.mode } }),
    trust: inputs.trust.digest,
    decision: sha256Hex(bytes),
    ...exemptionsOf(decision),
    ...reasonsOf(decision.reasons),
    ...(used === undefined ? {} : { breakglass: used }),
  }
}

function exemptionsOf(decision: Decision): Pick<SecurityEventData, 'exemptions'> {
  const exempted = exemptedIn(decision).slice(0, maxExemptions)
  if (exempted.length === 0) return {}
  return {
    exemptions: exempted.map(({ id, exemption }) => exemptionData({ rule: id, ...exemption })),
  }
}

function grantsRefused(decision: Decision, refused: readonly GrantResult[]): RecordData {
  const { artifact, target, ...who } = asked(decision)
  return {
    summary: `${refused.length} ${refused.length === 1 ? 'grant' : 'grants'} of breakglass did not count for ${artifact.name} in ${target.environment}/${target.service}: ${decision.effect}`,
    time: decision.time,
    artifact,
    target,
    ...who,
    effect: decision.effect,
    ...reasonsOf(refused.flatMap(({ problems }) => problems)),
    breakglass: grantsIn(refused),
  }
}

function usedOf({ breakglass }: Decision): SecurityEventData['breakglass'] {
  const { used, grants = [] } = breakglass ?? {}
  if (used === undefined) return undefined
  const counted = grants.filter(({ digest }) => used.grants.includes(digest))
  return { ...grantsIn(counted), until: cut(used.until, 40) }
}

function grantsIn(grants: readonly GrantResult[]): NonNullable<SecurityEventData['breakglass']> {
  const names = (list: readonly string[]): string[] =>
    [...new Set(list)].slice(0, 8).map((name) => cut(name, 200))
  return {
    approvers: names(grants.flatMap(({ approvers = [] }) => approvers)),
    requesters: names(grants.flatMap(({ requester = [] }) => requester)),
    incidents: names(grants.flatMap(({ incident = [] }) => incident)),
    grants: grants.slice(0, 8).map(({ digest }) => cut(digest, 128)),
  }
}
