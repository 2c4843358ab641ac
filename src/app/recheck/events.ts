import { makeEvent, type Bell, type SecurityEvent } from '#breakglass'
import type { Config } from '#config'
import type { Problem } from '#error'
import type { OpenAdmission, RecheckParts, SettledAdmission } from '#recheck'

/** Rings for what a recheck has refused, and for what could not be told for too long. */
export function ringRechecks(
  bell: Pick<Bell, 'ring'>,
  { log: { origin } }: Config,
  clock: () => Date,
): RecheckParts['ring'] {
  return {
    refused: async (one) => bell.ring([refusedEvent(one, origin)]),
    overdue: async (one, problems) => bell.ring([overdueEvent(one, problems, origin, clock())]),
  }
}

/** Of the same bytes at the same target one rings in an hour, as it does when they are let in. */
export function refusedEvent(one: SettledAdmission, origin: string): SecurityEvent {
  const { artifact, environment, service, recheck } = one
  const what = `${artifact.sha256} ${JSON.stringify([environment, service])}`
  const [why] = recheck.reasons
  const reason = why === undefined ? '' : `: ${why.code}, found ${why.found}. ${why.fix}`
  return makeEvent(`${what} ${recheck.time.slice(0, 13)}`, {
    ...common(one, origin),
    time: recheck.time,
    type: 'recheck-refused',
    severity: 'critical',
    summary: `REFUSED AFTERWARDS: ${artifact.name} was let into ${environment}/${service} at ${one.since} without evidence, and does not meet the policy${reason}`,
    entry: recheck.entry,
    verdict: recheck.verdict,
    effect: 'blocked',
    ...told(recheck.reasons),
  })
}

export function overdueEvent(
  one: OpenAdmission,
  problems: readonly Problem[],
  origin: string,
  now: Date,
): SecurityEvent {
  const { artifact, environment, service, first, since } = one
  const [why] = problems
  const reason = why === undefined ? '' : `: ${why.code}, found ${why.found}. ${why.fix}`
  return makeEvent(`entry ${first}`, {
    ...common(one, origin),
    time: now.toISOString(),
    type: 'recheck-overdue',
    severity: 'error',
    summary: `NEVER VERIFIED: ${artifact.name} was let into ${environment}/${service} at ${since} without evidence, and it can still not be told whether it meets the policy${reason}`,
    entry: first,
    verdict: 'UNDETERMINED',
    ...told(problems),
  })
}

function common(one: OpenAdmission, origin: string) {
  const { artifact, environment, service, requester, first, last, times, since } = one
  return {
    origin,
    target: { environment, service },
    artifact,
    ...(requester === undefined ? {} : { requester }),
    admitted: { first, last, times, since },
  }
}

function told(problems: readonly Problem[]): Pick<SecurityEvent, 'reasons' | 'problems'> {
  const some = problems.slice(0, 8)
  return {
    reasons: [...new Set(some.map(({ code }) => code))],
    problems: some.map(({ code, where = '', expected, found, fix }) => ({
      code,
      where,
      expected,
      found,
      fix,
    })),
  }
}
