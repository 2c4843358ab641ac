import type { EventName } from '#api'
import type { BreakglassReview } from '#breakglass'
import { cut } from '#events'
import type { AccessReview, BuildBegun, Deployment, ExternalVerdict, Refusal } from '#log'
import type { OtherEntry } from '../read-entry.ts'
import { askedBy, ofBegun, ofDefined, ofEnded, ofRecorded } from './build-events.ts'
import { reasonsOf, type RecordData } from './event.ts'

interface Teller<T> {
  readonly name: (record: T) => EventName
  /** `trigger`: who asked for the build that has ended. */
  readonly data: (record: T, trigger: Partial<BuildBegun['trigger']>) => RecordData
}

type Tellers = {
  readonly [Kind in OtherEntry['kind']]: Teller<Extract<OtherEntry, { readonly kind: Kind }>>
}

/** Each kind of entry in which nothing was decided, and the event that it is: none leaves as just a record of the log. */
const tellers: Tellers = {
  Refusal: { name: () => 'request.refused', data: ofRefusal },
  BreakglassReview: { name: () => 'breakglass.reviewed', data: ofReview },
  AccessReview: { name: () => 'access.reviewed', data: ofAccessReview },
  Deployment: {
    name: ({ exit }) => (exit === 0 ? 'deployment.ended' : 'deployment.failed'),
    data: ofDeployment,
  },
  BuildBegun: { name: () => 'build.begun', data: ofBegun },
  BuildDefined: { name: () => 'build.defined', data: ofDefined },
  BuildEnded: {
    name: ({ outcome }) => (outcome === 'failed' ? 'build.failed' : 'build.ended'),
    data: ofEnded,
  },
  BuildRecord: { name: () => 'build.recorded', data: ofRecorded },
  ExternalVerdict: { name: () => 'verdict.recorded', data: ofVerdict },
}

/** How a record of this kind is told; of one that this version does not know, only that it is there. */
export function tellerOf(kind: string): Teller<object> {
  return Object.hasOwn(tellers, kind)
    ? (tellers[kind as keyof Tellers] as unknown as Teller<object>)
    : { name: () => 'log.recorded', data: (record) => ofUnknown(record, kind) }
}

function ofRefusal({ time, chokePoint, requester, asked: words, reasons }: Refusal): RecordData {
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

function ofReview({ time, entry, by, principal, finding }: BreakglassReview): RecordData {
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

const maxGrants = 10

function ofAccessReview({ time, by, principal, finding, grants }: AccessReview): RecordData {
  const told = grants.slice(0, maxGrants)
  const omitted = grants.length - told.length
  return {
    summary: `${grants.length} ${grants.length === 1 ? 'grant was' : 'grants were'} reviewed by ${by} (${principal})`,
    time,
    principal: cut(principal, 400),
    accessReview: {
      by: cut(by, 400),
      finding: cut(finding, 400),
      grants: told.map(({ id, sha256 }) => ({ id: cut(id, 300), sha256: cut(sha256, 128) })),
      ...(omitted > 0 ? { grantsOmitted: omitted } : {}),
    },
  }
}

function ofDeployment(deployment: Deployment): RecordData {
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

function ofVerdict(verdict: ExternalVerdict): RecordData {
  const { time, chokePoint, requester, principal, by, decision, artifact, target } = verdict
  return {
    summary: `${by.name} says ${verdict.verdict} about ${artifact.name} in ${target.environment}/${target.service}; the gate has said ${decision.verdict}`,
    time,
    chokePoint: cut(chokePoint, 200),
    ...askedBy({ requester, ...(principal === undefined ? {} : { principal }) }),
    target: { environment: cut(target.environment, 200), service: cut(target.service, 200) },
    artifact: { name: cut(artifact.name, 400), sha256: cut(artifact.sha256, 128) },
    judged: {
      by: cut(by.name, 200),
      ...(by.version === undefined ? {} : { version: cut(by.version, 100) }),
      verdict: cut(verdict.verdict, 20),
      entry: decision.entry,
    },
  }
}

function ofUnknown(record: object, kind: string): RecordData {
  const { time } = record as { time?: unknown }
  return {
    summary: `a record of the kind ${kind}`,
    ...(typeof time === 'string' ? { time } : {}),
  }
}
