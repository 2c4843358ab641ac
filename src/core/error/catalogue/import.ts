import type { Entry } from '../entry.ts'

export const imports = {
  IMPORT_INVALID: { title: 'A policy of another program is not valid there either', exit: 2 },
  IMPORT_NOTHING: { title: 'There is no policy that can be read', exit: 2 },
  IMPORT_OCCUPIED: { title: 'A file would be written over', exit: 2 },
} as const satisfies Record<string, Entry>
