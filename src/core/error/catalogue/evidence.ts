import type { Entry } from '../entry.ts'

export const evidence = {
  EVIDENCE_FILE_UNREADABLE: { title: 'The file cannot be read', exit: 3 },
  EVIDENCE_FILE_NOT_REGULAR: { title: 'The path is not a regular file', exit: 2 },
} as const satisfies Record<string, Entry>
