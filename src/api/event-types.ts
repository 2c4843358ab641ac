/** Kinds of events, for whoever wants to hear of some only. */
export const eventKinds = ['decision', 'breakglass', 'access', 'build', 'gate'] as const
export type EventKind = (typeof eventKinds)[number]

/** The words of syslog (RFC 5424), least first. */
export const eventSeverities = ['info', 'notice', 'warning', 'error', 'critical'] as const
export type EventSeverity = (typeof eventSeverities)[number]

interface EventEntry {
  readonly kind: EventKind
  readonly severity: EventSeverity
  readonly title: string
}

/** What stands before the name of each event in its `type` (CloudEvents: a reverse-DNS name). */
export const eventTypePrefix = 'dev.sallyport.'

/** Every event that leaves. A name is never reused and never changes its meaning. */
export const eventTypes = {
  'decision.admitted': {
    kind: 'decision',
    severity: 'info',
    title: 'A policy let an artifact in',
  },
  'decision.refused': {
    kind: 'decision',
    severity: 'warning',
    title: 'A policy refused an artifact',
  },
  'decision.undetermined': {
    kind: 'decision',
    severity: 'error',
    title: 'Refused, because it could not be told: evidence could not be had',
  },
  'decision.policy-error': {
    kind: 'decision',
    severity: 'error',
    title: 'Refused, because no policy, or a broken one, is there for the target',
  },
  'decision.admitted-audit': {
    kind: 'decision',
    severity: 'warning',
    title: 'Let in by `mode: audit`; enforced, it would be refused',
  },
  'decision.admitted-unavailable': {
    kind: 'decision',
    severity: 'error',
    title: 'Let in by `whenUnavailable: allow`: evidence could not be had',
  },
  'request.refused': {
    kind: 'decision',
    severity: 'warning',
    title: 'Refused before there was anything to decide: a tag, no target, no time',
  },
  'deployment.ended': {
    kind: 'decision',
    severity: 'info',
    title: 'What was let in has been deployed',
  },
  'deployment.failed': {
    kind: 'decision',
    severity: 'notice',
    title: 'What was let in was not deployed: the command failed',
  },
  'breakglass.used': {
    kind: 'breakglass',
    severity: 'critical',
    title: 'A grant of breakglass let an artifact in',
  },
  'breakglass.grant-refused': {
    kind: 'breakglass',
    severity: 'error',
    title: 'A grant did not count: forged, over, for other bytes, by the wrong people',
  },
  'breakglass.reviewed': {
    kind: 'breakglass',
    severity: 'notice',
    title: 'Somebody has reviewed a use of breakglass',
  },
  'verdict.recorded': {
    kind: 'decision',
    severity: 'notice',
    title: 'Another policy engine has judged an artifact; nothing was let in or refused for it',
  },
  'alarm.exemption-used': {
    kind: 'decision',
    severity: 'notice',
    title: 'An exemption let something in for the first time',
  },
  'alarm.breakglass-overdue': {
    kind: 'breakglass',
    severity: 'error',
    title: 'Nobody has reviewed a use of breakglass in time',
  },
  'alarm.breakglass-too-frequent': {
    kind: 'breakglass',
    severity: 'error',
    title: 'More uses of breakglass than are allowed in a day',
  },
  'alarm.alarm-undelivered': {
    kind: 'gate',
    severity: 'critical',
    title: 'A sink under `alarms` did not take an alarm for five minutes',
  },
  'alarm.recheck-refused': {
    kind: 'decision',
    severity: 'critical',
    title: 'What was let in without evidence was decided again, and does not meet the policy',
  },
  'alarm.recheck-overdue': {
    kind: 'decision',
    severity: 'error',
    title: 'What was let in without evidence could not be verified for too long',
  },
  'alarm.rulebook-refused': {
    kind: 'gate',
    severity: 'error',
    title: 'New policies or a new trust file were not taken into use',
  },
  'alarm.certificate-refused': {
    kind: 'gate',
    severity: 'error',
    title: 'A new certificate of the gate was not taken into use',
  },
  'alarm.log-spooled': {
    kind: 'gate',
    severity: 'error',
    title: 'The log is away, and decisions wait in the spool',
  },
  'alarm.log-forked': {
    kind: 'gate',
    severity: 'error',
    title: 'A witness holds another history of the log',
  },
  'alarm.bypass-found': {
    kind: 'gate',
    severity: 'error',
    title: 'Something came in around the gate',
  },
  'access.refused': {
    kind: 'access',
    severity: 'warning',
    title: 'Somebody was refused: not known (401), or without the role (403)',
  },
  'access.finding': {
    kind: 'access',
    severity: 'warning',
    title: 'Somebody has to look at a grant, a path or a choke point',
  },
  'access.reviewed': {
    kind: 'access',
    severity: 'notice',
    title: 'Somebody has looked at grants, and found that they shall stay',
  },
  'build.begun': {
    kind: 'build',
    severity: 'info',
    title: 'Somebody has asked for a build; nothing has been fetched',
  },
  'build.defined': {
    kind: 'build',
    severity: 'info',
    title: 'What will be built is settled, by digest; no command has run',
  },
  'build.ended': {
    kind: 'build',
    severity: 'notice',
    title: 'A build has ended, and its provenance is signed',
  },
  'build.failed': { kind: 'build', severity: 'warning', title: 'A build has failed' },
  'build.recorded': {
    kind: 'build',
    severity: 'notice',
    title: 'A builder has recorded a build here',
  },
  'log.recorded': {
    kind: 'gate',
    severity: 'notice',
    title: 'A record of a kind that this version does not know is in the log; `summary` names it',
  },
  'log.entry-unreadable': {
    kind: 'gate',
    severity: 'error',
    title: 'An entry of the log could not be told: what it refers to is missing or altered',
  },
  'rulebook.changed': {
    kind: 'gate',
    severity: 'notice',
    title: 'Other policies or another trust file are in use',
  },
  'certificate.changed': {
    kind: 'gate',
    severity: 'notice',
    title: 'Another certificate of the gate is in use',
  },
  'certificate.ending': {
    kind: 'gate',
    severity: 'warning',
    title: 'The certificate of the gate ends within 14 days',
  },
  'gate.started': { kind: 'gate', severity: 'notice', title: 'A gate has started' },
  'gate.not-started': {
    kind: 'gate',
    severity: 'critical',
    title: 'A gate refused to start: a log that was put back or forked, a damaged spool, …',
  },
  'gate.stopped': { kind: 'gate', severity: 'notice', title: 'A gate was stopped' },
  'gate.unready': {
    kind: 'gate',
    severity: 'critical',
    title: 'Something keeps a gate from answering (`/readyz` is 503)',
  },
  'gate.warning': {
    kind: 'gate',
    severity: 'warning',
    title: 'Somebody has to look at something (a line of `/readyz`)',
  },
  'gate.recovered': {
    kind: 'gate',
    severity: 'notice',
    title: 'What `gate.unready` or `gate.warning` told of is over',
  },
  'events.lost': {
    kind: 'gate',
    severity: 'critical',
    title: 'The queue of events was full, and some were dropped; decisions never are',
  },
} as const satisfies Record<string, EventEntry>

export type EventName = keyof typeof eventTypes
