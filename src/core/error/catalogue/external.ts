import type { Entry } from '../entry.ts'

/** What other policy engines are given, and what they say. */
export const external = {
  EXTERNAL_EXPORT_DIFFERS: { title: 'The export is not what was believed', exit: 1 },
  EXTERNAL_VERDICT_MALFORMED: {
    title: 'What the other engine says is no verdict with its explanation',
    exit: 2,
  },
} as const satisfies Record<string, Entry>
