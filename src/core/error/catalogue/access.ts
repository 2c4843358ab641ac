import type { Entry } from '../entry.ts'

/** Who may do what, and how they prove it: `sallyport access`. */
export const access = {
  GRANT_NOT_REVIEWED: { title: 'Nobody has reviewed what somebody may do', exit: 1 },
  GRANT_CHANGED: { title: 'What somebody may do has changed since it was reviewed', exit: 1 },
  GRANT_REVIEW_OVERDUE: { title: 'What somebody may do has to be reviewed again', exit: 1 },
  GRANT_UNUSED: { title: 'Nobody uses what somebody may do', exit: 1 },
  GRANT_ENDS: { title: 'What somebody may do ends soon', exit: 1 },
  GRANT_ENDED: { title: 'What somebody could do is over, and still written down', exit: 1 },
  GRANT_UNKNOWN: { title: 'There is no such grant now', exit: 2 },
  GRANT_OWN: { title: 'Nobody reviews what they may do themselves', exit: 2 },
  ACCESS_PATH_PASSWORD: { title: 'A password is all that this path asks for', exit: 1 },
  ACCESS_PATH_OPEN: { title: 'This path asks nobody who they are', exit: 1 },
  ACCESS_PATH_PLAINTEXT: { title: 'This path is not encrypted', exit: 1 },
  CHOKE_POINT_MISSING: { title: 'Nobody says through which point a target is reached', exit: 1 },
  CHOKE_POINT_ABSENT: { title: 'A choke point is declared and not there', exit: 1 },
  CHOKE_POINT_NO_TARGET: { title: 'A choke point is declared for no target of a policy', exit: 1 },
  CHOKE_POINT_OTHER: { title: 'Something came in through a point that is not declared', exit: 1 },
} as const satisfies Record<string, Entry>
