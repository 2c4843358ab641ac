import type { Entry } from '../entry.ts'

export const signer = {
  SIGNER_FILE: { title: 'A key, passphrase or memory file cannot be used', exit: 2 },
  SIGNER_FILE_MODE: { title: 'A secret file can be read or changed by others', exit: 2 },
  SIGNER_FILE_EXISTS: { title: 'A file of the signer would be overwritten', exit: 2 },
  SIGNER_KEY_FORMAT: { title: 'The key file is not an encrypted private key', exit: 2 },
  SIGNER_PASSPHRASE: { title: 'The passphrase is too weak or not the right one', exit: 2 },
  SIGNER_ROLE: { title: 'The signer may not have this role', exit: 2 },
  SIGNER_MESSAGE: { title: 'A message to or from the signer is not acceptable', exit: 2 },
  SIGNER_STATEMENT: { title: 'The signer refuses a statement that is not well-formed', exit: 2 },
  SIGNER_PREDICATE_TYPE: { title: 'The signer refuses this kind of statement', exit: 2 },
  SIGNER_BUILDER_ID: { title: 'The signer refuses this builder id', exit: 2 },
  SIGNER_SUBJECT: { title: 'The signer refuses the subjects of a statement', exit: 2 },
  SIGNER_DEPENDENCY: { title: 'The signer refuses an input without location or digest', exit: 2 },
  SIGNER_JOURNAL: { title: 'What is signed cannot be written down', exit: 3 },
  SIGNER_MEMORY_LOST: { title: 'The signer does not know its newest checkpoint', exit: 3 },
  SIGNER_DIED: { title: 'The signer process ended', exit: 3 },
  SIGNER_TIMEOUT: { title: 'The signer process did not answer in time', exit: 3 },
} as const satisfies Record<string, Entry>
