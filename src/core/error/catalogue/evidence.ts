import type { Entry } from '../entry.ts'

export const evidence = {
  EVIDENCE_FILE_MISSING: { title: 'The file does not exist', exit: 2 },
  EVIDENCE_FILE_NOT_REGULAR: { title: 'The path is not a regular file', exit: 2 },
  EVIDENCE_FILE_UNREADABLE: { title: 'The file cannot be read', exit: 3 },
  EVIDENCE_FILE_CHANGED: { title: 'The file changed while it was read', exit: 3 },
} as const satisfies Record<string, Entry>
