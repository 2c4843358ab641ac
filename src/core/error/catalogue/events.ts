import type { Entry } from '../entry.ts'

/** Events that leave the gate: `events` in `sallyport.yaml`. */
export const events = {
  EVENTS_STATE_FAILED: { title: 'It cannot be kept which events have been told', exit: 3 },
  EVENTS_UNDELIVERED: { title: 'Events wait for a sink that does not take them', exit: 3 },
  EVENTS_LOST: { title: 'Events were dropped, because too many waited', exit: 3 },
  EVENTS_LOG_BEHIND: { title: 'The log has fewer entries than a sink has heard of', exit: 3 },
} as const satisfies Record<string, Entry>
