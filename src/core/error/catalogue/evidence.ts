import type { Entry } from '../entry.ts'

export const evidence = {
  EVIDENCE_FILE_MISSING: { title: 'The file does not exist', exit: 2 },
  EVIDENCE_FILE_NOT_REGULAR: { title: 'The path is not a regular file', exit: 2 },
  EVIDENCE_FILE_UNREADABLE: { title: 'The file cannot be read', exit: 3 },
  EVIDENCE_FILE_CHANGED: { title: 'The file changed while it was read', exit: 3 },
  EVIDENCE_SOURCE_UNAVAILABLE: { title: 'A source of evidence cannot be looked at', exit: 3 },
  EVIDENCE_REFERENCE: { title: 'The text is not a reference to an artifact', exit: 2 },
  EVIDENCE_REGISTRY_NOT_ALLOWED: { title: 'The registry is not among those allowed', exit: 2 },
  EVIDENCE_ARTIFACT_MISSING: { title: 'The registry has no such artifact', exit: 2 },
  EVIDENCE_NOT_ATTACHED: { title: 'The registry did not take the evidence', exit: 3 },
  EVIDENCE_NOT_ABOUT: { title: 'The evidence is not about this artifact', exit: 2 },
  EVIDENCE_CREDENTIALS: { title: 'The credentials of a registry cannot be read', exit: 3 },
} as const satisfies Record<string, Entry>
