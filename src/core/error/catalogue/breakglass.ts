import type { Entry } from '../entry.ts'

export const breakglass = {
  BREAKGLASS_TERMS: { title: 'Who may break the glass cannot do so', exit: 2 },
  BREAKGLASS_NOT_OFFERED: { title: 'Nobody may break the glass for this target', exit: 1 },
  BREAKGLASS_OTHER_ARTIFACT: { title: 'The grant is for other bytes', exit: 1 },
  BREAKGLASS_OTHER_TARGET: { title: 'The grant is for another target', exit: 1 },
  BREAKGLASS_NOT_YET: { title: 'The grant does not hold yet', exit: 1 },
  BREAKGLASS_EXPIRED: { title: 'The grant is over', exit: 1 },
  BREAKGLASS_TOO_LONG: { title: 'The grant holds for longer than is allowed', exit: 1 },
  BREAKGLASS_RULES: { title: 'The grant does not waive every rule that says no', exit: 1 },
  BREAKGLASS_NOT_APPROVER: { title: 'Who signed the grant may not grant it', exit: 1 },
  BREAKGLASS_SELF_APPROVED: { title: 'Who asked for the grant has granted it', exit: 1 },
  BREAKGLASS_TOO_FEW: { title: 'Too few people have granted it', exit: 1 },
  BREAKGLASS_REQUEST: { title: 'The breakglass request cannot be used', exit: 2 },
  BREAKGLASS_NOTHING_TO_WAIVE: {
    title: 'The policy lets it in: there is no glass to break',
    exit: 2,
  },
  BREAKGLASS_REVIEW: { title: 'The review does not close this use', exit: 2 },
  BREAKGLASS_KEY: { title: 'The key of the approver is not there, or is there already', exit: 2 },
  BREAKGLASS_TOO_FREQUENT: {
    title: 'Breakglass is used more often than this environment allows',
    exit: 1,
  },
  BREAKGLASS_OVERDUE: { title: 'A use of breakglass waits for its review for too long', exit: 1 },
  BREAKGLASS_ACCEPTANCE: { title: 'The acceptance of the risk does not count', exit: 1 },
  BREAKGLASS_NON_COMPLIANT: {
    title: 'What was let in by breakglass still does not meet the policy',
    exit: 1,
  },
  BREAKGLASS_UNSHARED: {
    title: 'Requests and grants of breakglass do not reach the other replicas',
    exit: 3,
  },
  ALARM_NOT_KEPT: { title: 'An alarm could not be written, so there is no answer', exit: 3 },
  ALARM_UNDELIVERED: { title: 'Alarms wait to be heard', exit: 3 },
} as const satisfies Record<string, Entry>
