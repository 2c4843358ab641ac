import type { Entry } from '../entry.ts'

export const recheck = {
  RECHECK_OVERDUE: {
    title: 'What was let in without evidence could not be verified for too long',
    exit: 3,
  },
  RECHECK_FULL: {
    title: 'More was let in without evidence than is decided again at a time',
    exit: 3,
  },
  RECHECK_TAKEN: { title: 'Another gate decides again what was let in without evidence', exit: 3 },
} as const satisfies Record<string, Entry>
