import type { Entry } from '../entry.ts'

export const log = {
  // What is read from anybody: notes, keys, checkpoints, tiles, proofs.
  NOTE_MALFORMED: { title: 'The signed note is not well-formed', exit: 2 },
  NOTE_KEY_MALFORMED: { title: 'The verifier key is not well-formed', exit: 2 },
  NOTE_SIGNATURE_INVALID: { title: 'A signature of a known key does not verify', exit: 1 },
  NOTE_SIGNATURE_MISSING: { title: 'A key that must have signed the note has not', exit: 1 },
  CHECKPOINT_MALFORMED: { title: 'The checkpoint is not well-formed', exit: 2 },
  CHECKPOINT_ORIGIN: { title: 'The checkpoint is of another log', exit: 1 },
  CHECKPOINT_UNEXPECTED: { title: 'The signer signed another checkpoint than asked', exit: 3 },
  TILE_PATH_MALFORMED: { title: 'The tile path is not well-formed', exit: 2 },
  TILE_MALFORMED: { title: 'The tile has the wrong size', exit: 3 },
  ENTRY_BUNDLE_MALFORMED: { title: 'The entry bundle is not well-formed', exit: 3 },
  TLOG_PROOF_MALFORMED: { title: 'The receipt is not well-formed', exit: 2 },
  INCLUSION_PROOF_INVALID: {
    title: 'The receipt does not prove that the entry is logged',
    exit: 1,
  },
  CONSISTENCY_PROOF_INVALID: {
    title: 'The new checkpoint does not extend the one signed before',
    exit: 3,
  },

  // What the log itself refuses or cannot do.
  LOG_ROLLED_BACK: { title: 'The log is older than what its signer remembers', exit: 3 },
  LOG_FORKED: { title: 'The log and its signer disagree about the history', exit: 3 },
  LOG_MEMORY_MISSING: { title: 'The signer no longer knows what it signed', exit: 3 },
  LOG_CORRUPT: { title: 'The stored log does not match its checkpoint', exit: 3 },
  LOG_STORAGE_FAILED: { title: 'The log could not be written durably', exit: 3 },
  LOG_STORAGE_FULL: { title: 'There is no space left for the log', exit: 3 },
  LOG_UNREADABLE: { title: 'The log could not be read', exit: 3 },
  LOG_CLOSED: { title: 'The log has been closed', exit: 3 },
  LOG_BUSY: { title: 'More entries are waiting than the log can hold', exit: 3 },
  LOG_LOCK_TIMEOUT: { title: 'Another process has held the log for too long', exit: 3 },
  LOG_ENTRY_TOO_LARGE: { title: 'The entry is larger than a log entry may be', exit: 3 },
  LOG_ENTRY_UNKNOWN: { title: 'The log has no entry of this index', exit: 2 },
  LOG_NOT_FOUND: { title: 'There is no log here', exit: 2 },

  // A log that replicas share in a database.
  LOG_SEQUENCER_LOST: { title: 'Another replica sequences the log now', exit: 3 },
  LOG_STORE_NEWER: { title: 'The database was made by a newer version', exit: 3 },
  LOG_STORE_UNSAFE: { title: 'The database does not keep what it confirms', exit: 3 },

  // Decisions that wait for a log that is away.
  LOG_SPOOLING: { title: 'Decisions wait in the spool for the log', exit: 3 },
  LOG_SPOOL_FULL: { title: 'There is no room left in the spool', exit: 3 },
  LOG_SPOOL_FAILED: { title: 'The spool could not be read or written durably', exit: 3 },
  LOG_SPOOL_TAKEN: { title: 'Another process uses the spool', exit: 3 },
  LOG_SPOOL_DAMAGED: { title: 'The spool is not as it was written', exit: 3 },

  // What `sallyport log verify` finds.
  LOG_ENTRY_ALTERED: { title: 'An entry is not the one that was logged', exit: 1 },
  LOG_ENTRY_REMOVED: { title: 'An entry has been removed', exit: 1 },
  LOG_ENTRY_REORDERED: { title: 'An entry stands at another place than it was logged', exit: 1 },
  LOG_ENTRY_ADDED: { title: 'An entry stands in the log that was never signed', exit: 1 },
  LOG_TILE_ALTERED: { title: 'A tile does not match the tiles below it', exit: 1 },
  LOG_TILE_MISSING: { title: 'A tile of the log is missing', exit: 1 },
  LOG_ROOT_MISMATCH: { title: 'The entries do not add up to the signed root', exit: 1 },
  LOG_TRUNCATED: { title: 'The log is shorter than an earlier checkpoint of it', exit: 1 },
  LOG_HISTORY_CHANGED: { title: 'The log does not extend an earlier checkpoint of it', exit: 1 },

  // Bodies: what entries refer to by digest.
  BLOB_CORRUPT: { title: 'A stored blob does not have its digest', exit: 3 },
  BLOB_MISSING: { title: 'A blob is not in the store', exit: 3 },
  BLOB_DIGEST_MISMATCH: { title: 'The bytes do not have the digest they should have', exit: 3 },
  BLOB_DIGEST_MALFORMED: { title: 'The digest is not a SHA-256 in lower-case hex', exit: 2 },
  BLOB_STORE_FAILED: { title: 'A blob could not be written durably', exit: 3 },
  RECORD_BODY_MISSING: { title: 'A decision names an input that is not kept', exit: 3 },
  RECORD_MALFORMED: { title: 'The log entry is not a recorded decision', exit: 2 },
  REPLAY_DIFFERS: { title: 'Deciding again gave another decision', exit: 1 },
} as const satisfies Record<string, Entry>
