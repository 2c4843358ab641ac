import type { Entry } from '../entry.ts'

export const document = {
  DOCUMENT_TOO_LARGE: { title: 'The document is larger than allowed', exit: 2 },
  DOCUMENT_TOO_DEEP: { title: 'The document is nested deeper than allowed', exit: 2 },
  DOCUMENT_SYNTAX: { title: 'The document is not well-formed', exit: 2 },
  DOCUMENT_DUPLICATE_KEY: { title: 'A key appears twice in one object', exit: 2 },
  DOCUMENT_SHAPE: { title: 'The document does not have the required shape', exit: 2 },
  DOCUMENT_UNKNOWN_FIELD: { title: 'The document has a field that is not known', exit: 2 },
} as const satisfies Record<string, Entry>
