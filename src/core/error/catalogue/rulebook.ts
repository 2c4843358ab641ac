import type { Entry } from '../entry.ts'

/** Signed policies and trust files. */
export const rulebook = {
  RULEBOOK_KEYS: { title: 'The keys of the rulebook are not usable', exit: 2 },
  RULEBOOK_EXPIRED: { title: 'The keys of the rulebook have expired', exit: 3 },
  RULEBOOK_UNSIGNED: { title: 'A policy or trust file is not signed, and has to be', exit: 2 },
  RULEBOOK_SIGNATURE: { title: 'The signatures are not over this file', exit: 2 },
  RULEBOOK_THRESHOLD: { title: 'Too few owners have signed a policy or trust file', exit: 2 },
  RULEBOOK_VERSION: {
    title: 'A file that has to be signed does not say which edition it is',
    exit: 2,
  },
  RULEBOOK_CHANGED: { title: 'A policy or trust file was changed after it was signed', exit: 2 },
  RULEBOOK_ROLLBACK: { title: 'A policy or trust file is older than one that was used', exit: 2 },
  RULEBOOK_TRUST_NAME: { title: 'The trust file is not the one that is configured', exit: 2 },
  RULEBOOK_ROOT_UNPINNED: { title: 'A signed trust file names a root without its digest', exit: 2 },
  RULEBOOK_MEMORY: { title: 'What was seen of a signed rulebook is not known any more', exit: 3 },
  RULEBOOK_KEY_FILE: { title: 'A key of the rulebook is not where it should be', exit: 2 },
} as const satisfies Record<string, Entry>
