import type { EventName, SecurityEventData } from '#api'
import type { BreakglassReview } from '#breakglass'
import type { Decision, GrantResult } from '#decision'
import { sha256Hex } from '#document'
import type { Problem } from '#error'
import { cut, type Message } from '#events'
import type { BodyStore, Deployment, Refusal } from '#log'
import { hashLeaf } from '#merkle'
import { makeMessage } from './event.ts'

export interface EntryPlace {
  /** The name of the log. */
  readonly origin: string
  readonly index: number
  readonly bodies: Pick<BodyStore, 'get'>
  /** Which events somebody wants: the others are not made. */
  readonly wants: (name: EventName) => boolean
}

const maxReasons = 10

/**
 * The events of one entry of the log: functions of the entry alone, so that whoever tells it again tells the same. What
 * cannot be read is an event, too, and keeps nobody from the entries after it.
 *
 * @throws what the body store throws when it cannot be asked
 */
export async function eventsOfEntry(
  entry: Uint8Array,
  place: EntryPlace,
): Promise<readonly Message[]> {
  const record = parse(entry)
  const { kind, decision: reference } = record as { kind?: string; decision?: { sha256?: string } }
  if (kind !== 'DecisionReference') return eventsOf(record, { ...place, entry, bytes: entry })
  const sha256 = String(reference?.sha256)
  const bytes = await place.bodies.get(sha256)
  if (bytes === undefined) return unreadable({ ...place, entry }, `no body ${sha256}`)
  return eventsOf(parse(bytes), { ...place, entry, bytes })
}

interface EntryParts extends EntryPlace {
  readonly entry: Uint8Array
  /** The record: the entry, or the body that it names. */
  readonly bytes: Uint8Array
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
    if (kind === 'Refusal') return one('request.refused', parts, () => ofRefusal(record as Refusal))
    if (kind === 'BreakglassReview')
      return one('breakglass.reviewed', parts, () => ofReview(record as BreakglassReview))
    if (kind === 'Deployment') {
      const deployment = record as Deployment
      const name = deployment.exit === 0 ? 'deployment.ended' : 'deployment.failed'
      return one(name, parts, () => ofDeployment(deployment))
    }
    if (typeof kind === 'string') return one('log.recorded', parts, () => ofOther(record, kind))
  } catch {
    // A record of ours that has another shape than it should: told as such.
  }
  return unreadable(parts, 'no record that this version knows')
}

type Data = Omit<SecurityEventData, 'proof'> & { readonly time?: string }

function one(name: EventName, parts: EntryParts, make: () => Data): readonly Message[] {
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
  const more = { ...parts, bytes: parts.entry }
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

function decided(decision: Decision, { bytes }: EntryParts): Data {
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
    ...reasonsOf(decision.reasons),
    ...(used === undefined ? {} : { breakglass: used }),
  }
}

function grantsRefused(decision: Decision, refused: readonly GrantResult[]): Data {
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

/** Codes and places alone: what was expected and found stands in the log, for who may read it. */
function reasonsOf(
  problems: readonly Problem[],
): Pick<SecurityEventData, 'reasons' | 'reasonsOmitted'> {
  const reasons = problems
    .slice(0, maxReasons)
    .map(({ code, where = '' }) => ({ code: cut(code, 100), where: cut(where, 400) }))
  const omitted = problems.length - reasons.length
  return { reasons, ...(omitted > 0 ? { reasonsOmitted: omitted } : {}) }
}

function ofRefusal({ time, chokePoint, requester, asked: words, reasons }: Refusal): Data {
  const pairs = Object.entries(words).slice(0, 8)
  return {
    summary: `refused: ${pairs.map(([, value]) => value).join(' ')}, ${reasons.map(({ code }) => code).join(', ')}`,
    time,
    chokePoint: cut(chokePoint, 200),
    ...(requester === undefined ? {} : { requester: cut(requester, 400) }),
    asked: Object.fromEntries(pairs.map(([name, value]) => [cut(name, 100), cut(value, 200)])),
    ...reasonsOf(reasons),
  }
}

function ofReview({ time, entry, by, principal, finding }: BreakglassReview): Data {
  return {
    summary: `the use of breakglass of entry ${entry} was reviewed by ${by}`,
    time,
    review: {
      entry,
      by: cut(by, 400),
      ...(principal === undefined ? {} : { principal: cut(principal, 400) }),
      finding: cut(finding, 400),
    },
  }
}

function ofDeployment(deployment: Deployment): Data {
  const { time, chokePoint, requester, principal, target, artifacts, command, exit } = deployment
  return {
    summary: `deployed ${artifacts.map(({ name }) => name).join(', ')} to ${target.environment}/${target.service}: exit ${exit}`,
    time,
    chokePoint: cut(chokePoint, 200),
    ...(requester === undefined ? {} : { requester: cut(requester, 400) }),
    ...(principal === undefined ? {} : { principal: cut(principal, 400) }),
    target: { environment: cut(target.environment, 200), service: cut(target.service, 200) },
    deployment: {
      program: cut(command.program, 400),
      exit,
      decisions: artifacts.map(({ decision }) => decision),
    },
  }
}

function ofOther(record: object, kind: string): Data {
  const { time } = record as { time?: unknown }
  return {
    summary: `a record of the kind ${kind}`,
    ...(typeof time === 'string' ? { time } : {}),
  }
}
