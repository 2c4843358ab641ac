import type { Entry } from '../entry.ts'

export const witness = {
  // What a witness answers.
  WITNESS_REQUEST_MALFORMED: { title: 'The request to a witness is not well-formed', exit: 2 },
  WITNESS_LOG_UNKNOWN: { title: 'The witness does not watch this log', exit: 2 },
  WITNESS_STALE: { title: 'The witness has cosigned a checkpoint of another size', exit: 2 },
  WITNESS_STATE_MISSING: { title: 'The witness no longer knows what it cosigned', exit: 3 },
  WITNESS_STATE_FAILED: { title: 'The witness could not keep a checkpoint durably', exit: 3 },
  WITNESS_EXISTS: { title: 'There is a witness here already', exit: 2 },

  // What a log finds when it asks its witnesses.
  WITNESS_POLICY_MALFORMED: { title: 'The policy of witnesses is not well-formed', exit: 2 },
  WITNESS_POLICY_UNUSABLE: {
    title: 'The policy of witnesses cannot be used for this log',
    exit: 2,
  },
  WITNESS_UNREACHABLE: { title: 'A witness does not answer', exit: 3 },
  WITNESS_REFUSED: { title: 'A witness does not cosign', exit: 3 },
  WITNESS_QUORUM_MISSING: { title: 'Too few witnesses have answered', exit: 3 },
  WITNESS_LAG: { title: 'The newest checkpoint has not been cosigned for too long', exit: 3 },
} as const satisfies Record<string, Entry>
