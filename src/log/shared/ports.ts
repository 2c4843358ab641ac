import type { Tile } from '#merkle'

/** An entry that waits for its place in the log. */
export interface SubmittedEntry {
  /** Given out by `reserve`, to nobody twice. */
  readonly id: number
  readonly entry: Uint8Array
}

/** An entry that was submitted before. */
export interface KnownEntry {
  readonly id: number
  /** SHA-256 of the entry, in lower-case hex. */
  readonly sha256: string
  /** Where it stands in the log; undefined while it waits for its place. */
  readonly index: number | undefined
}

/** Where the log stands. */
export interface SharedHead {
  readonly size: number
  /** The signed checkpoint of exactly that size. */
  readonly checkpoint: string
}

/** What one look at the store shows, all of the same moment. */
export interface Sighting {
  readonly head: SharedHead
  /** The ids of the entries from the index asked for on: those up to the head, and those that are in the log and follow it soon. */
  readonly ids: readonly number[]
}

/** The head, and the entries that will follow it next, all of the same moment. */
export interface Standing {
  readonly head: SharedHead | undefined
  readonly staged: readonly SubmittedEntry[]
}

/** A commit: the first of the entries that are staged, with what they make of the tree. */
export interface SharedCommit {
  readonly head: SharedHead
  /** The size before. */
  readonly from: number
  readonly ids: readonly number[]
  /** Tiles of hashes that changed, each as wide as it is now. */
  readonly tiles: readonly Tile[]
}

/**
 * Where replicas share one log. Any number of them submit entries; one at a time sequences.
 *
 * Rejects with LOG_UNAVAILABLE when the store cannot be reached or does not answer in time, with LOG_STORAGE_FULL when
 * it has no room.
 */
export interface SharedLogStore {
  /** The bytes of a file of the log by its C2SP path, `checkpoint` or `tile/…`; undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>

  /** Ids that nobody else gets: this many from the first on. */
  reserve(): Promise<{ readonly first: number; readonly count: number }>

  /**
   * Submits entries, all or none. MUST be durable when it resolves. When it rejects with a problem for which
   * `mayHaveHappened` is true, nobody knows.
   */
  submit(entries: readonly SubmittedEntry[]): Promise<void>
  mayHaveHappened(problem: unknown): boolean

  /** Which of these ids have been submitted, by whomever, and what became of them; all of the same moment. */
  known(ids: readonly number[]): Promise<readonly KnownEntry[]>

  /** The head, and who came to stand from index `from` on; undefined when the log has not begun. */
  look(from: number): Promise<Sighting | undefined>

  /** What the next sequencer would begin with. */
  standing(): Promise<Standing>

  /** Takes the one right to sequence; undefined when another has it. */
  sequence(): Promise<SequencerSession | undefined>

  /**
   * Calls back when there may be something new: a hint, which may come late, twice or never. What this process has
   * submitted is told at once; what it has sequenced it knows.
   */
  watch(listener: (what: 'submitted' | 'sequenced') => void): void

  close(): Promise<void>
}

/**
 * The right to sequence. Each of its deeds MUST be refused with LOG_SEQUENCER_LOST, and change nothing, when another has
 * taken the right since; it MUST be given free when its holder dies in any way.
 */
export interface SequencerSession {
  readonly standing: Standing

  /** Begins the log with the checkpoint of the empty tree. */
  begin(checkpoint: string): Promise<void>

  /**
   * In one transaction: commits `done`, submits `own`, and stages what waits, whoever has submitted it, behind what is staged
   * already, in an order that stands from then on, whoever goes on. Gives what it has staged, nothing when nothing waits.
   * MUST be durable when it resolves. `mayHaveHappened` tells of its problems, too.
   */
  turn(work: SequencerTurn): Promise<readonly SubmittedEntry[]>

  /**
   * Whether there is work for a turn though nobody has left a word: replicas wait to be told that what was staged last is remembered,
   * or more waits than went into the last turn.
   */
  readonly isDue: boolean

  release(): Promise<void>
}

/** What one turn brings. */
export interface SequencerTurn {
  readonly done: SharedCommit | undefined
  /** What waits in the replica that sequences. */
  readonly own: readonly SubmittedEntry[]
  /** The size of the tree that the signer remembers: what is staged up to there is in the log, and `look` shows it. */
  readonly remembered: number
}
