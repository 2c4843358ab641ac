import type { Entry } from '../entry.ts'

export const bypass = {
  BYPASS_UNGUARDED: { title: 'Something was deployed without the gate being asked', exit: 1 },
  BYPASS_FAILED_OPEN: { title: 'Something was deployed although the gate did not answer', exit: 1 },
  BYPASS_UNRECORDED: { title: 'The log does not have the decision that let it in', exit: 1 },
  BYPASS_GUARD_CHANGED: { title: 'What guards the cluster was changed', exit: 1 },
  BYPASS_STATIC_POD: { title: 'A pod comes from a file on its node', exit: 1 },
  BYPASS_UNDECIDED: { title: 'Something runs that the log has never let in', exit: 1 },
  AUDIT_LOG_UNREADABLE: { title: 'The audit log of the platform cannot be read', exit: 3 },
} as const satisfies Record<string, Entry>
