import type { SigningRequest, TreeHead } from '#merkle'

/**
 * Holds the keys of one log, and remembers its newest tree. That memory is the commit point of an append: an entry is in
 * the log from the moment the signer remembers a tree with it, because nothing else is signed from then on. That it is there after a power
 * failure, too, is for the journal, which is durable before; its recovery has remembered anew what a signer has forgotten.
 *
 * Requests MUST take effect in the order in which they were made.
 */
export interface CheckpointSigner {
  /** The name of the log: the first line of its checkpoints and the name of its keys. */
  readonly origin: string
  /** The vkeys of all keys that sign. */
  readonly verifierKeys: readonly string[]

  /**
   * A secret of those who may use this signer, 32 bytes: what they put into the journal of the log is known by it. MUST be the same
   * for all signers of one log.
   */
  readonly journalKey: Uint8Array

  /** The newest tree it remembers, whoever asked for it. MUST be read from where `remember` wrote it. */
  newest(): Promise<TreeHead | undefined>

  /**
   * Remembers a tree as the newest one.
   *
   * MUST refuse, with the problem `refuseToSign` of #merkle gives, a tree that does not extend the newest one.
   * MUST NOT resolve before the new newest tree is where a kill of any process leaves it. It need not wait for the disk.
   * MUST exclude other processes with the same memory while it does so.
   */
  remember(request: SigningRequest): Promise<void>

  /**
   * Remembers a tree as `remember` does, then signs a checkpoint of it with all keys and gives the signed note.
   *
   * MUST make the tree durable before it gives the note, and reject when it could not: nobody has a signature of what can be forgotten.
   * MUST sign the newest tree again when asked to.
   */
  sign(request: SigningRequest): Promise<string>
}

/** Bytes by their SHA-256, in lower-case hex: what log entries refer to. */
export interface BodyStore {
  /** Keeps bytes and gives their digest. MUST be durable when it resolves; keeping the same bytes again MUST be cheap. */
  put(bytes: Uint8Array): Promise<string>

  /** The bytes, undefined when they are not kept. MUST NOT give bytes that do not have the digest: rejects instead. */
  get(digest: string): Promise<Uint8Array | undefined>
}

/** A file of the log, by its C2SP path: `checkpoint`, or `tile/…`. */
export interface LogFile {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * Where a log is kept. Readers need nothing but `read`; writers take turns through `lock`.
 *
 * Every write MUST reject with LOG_STORAGE_FAILED when it cannot be known to have succeeded; after that the log is
 * not used again until it has been opened anew. Where the disk was full and nothing was lost, LOG_STORAGE_FULL.
 */
export interface LogStorage {
  /** The bytes of a file; undefined when there is none. MUST NOT give part of a file that is being written. */
  read(path: string): Promise<Uint8Array | undefined>

  /**
   * Waits for the one right to write, across processes, and takes it. MUST be given free by the operating system when
   * the process dies in any way, and MUST NOT be given to two holders, of one process or of two, at a time. Waiting
   * holders MUST come to their turn while others ask again and again. Rejects with LOG_LOCK_TIMEOUT.
   */
  lock(): Promise<LogWriter>

  /**
   * The journal as it is now, for whoever only looks: no lock is taken, so its last record may be there in part. Undefined when there
   * is none. MUST NOT make or change anything.
   */
  peekJournal(): Promise<Uint8Array | undefined>

  /** Removes all partial tiles of the places where these full ones are: `tile/0/000.p/…` for `tile/0/000`. */
  prune(fullTiles: readonly string[]): Promise<void>

  /** Makes the present content of these files durable, and what is and is not in their folders. A path without a file is skipped. */
  settle(paths: readonly string[]): Promise<void>

  /** Lets go of everything it holds open. */
  close(): Promise<void>
}

/** The journal as it is now: a length within a generation. `replaceJournal` begins a new generation. */
export interface JournalMark {
  readonly generation: string
  readonly length: number
}

/** The right to write, until `unlock`. */
export interface LogWriter {
  /** Where the journal stands; undefined when there is none. */
  journalMark(): Promise<JournalMark | undefined>

  /** The journal from this byte on. */
  readJournal(from: number): Promise<Uint8Array>

  /** Adds a record of journal.ts to the journal, which has room behind its records or none. MUST be durable when it resolves. */
  appendJournal(bytes: Uint8Array): Promise<void>

  /** Puts a new journal in the place of the old. MUST be atomic, and durable when it resolves. */
  replaceJournal(bytes: Uint8Array): Promise<void>

  /** Writes files, over old ones of the same path. Each MUST appear whole or not at all; they need not be durable before `settle`. */
  write(files: readonly LogFile[]): Promise<void>

  /** Whether others wait for the lock, as far as can be told: its holder should come to an end then. */
  isWanted(): boolean

  unlock(): Promise<void>
}
