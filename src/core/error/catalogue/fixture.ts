import type { Entry } from '../entry.ts'

export const fixture = {
  FIXTURE_DIFFERS: { title: 'A fixture is decided otherwise than it is written', exit: 1 },
  FIXTURE_RULE_UNPROVEN: { title: 'A rule was never seen to fail', exit: 1 },
  FIXTURE_NONE: { title: 'There is no fixture to test', exit: 2 },
  FIXTURE_BODY: { title: 'A file of a fixture is missing, or not what it says', exit: 2 },
  FIXTURE_TOO_LARGE: { title: 'There is more evidence than a fixture holds', exit: 2 },
  FIXTURE_OCCUPIED: { title: 'A folder that is no fixture would be written over', exit: 2 },
  FIXTURE_UNWRITABLE: { title: 'A fixture cannot be written', exit: 3 },
} as const satisfies Record<string, Entry>
