/**
 * Who rechecks, of all who share a log, and how far that has come. Implementations MUST let one at a time have the turn, and
 * MUST give it free when its holder has died.
 */
export interface RecheckStore extends AsyncDisposable {
  /** Takes the turn, or keeps it; false while somebody else has it. */
  take(): Promise<boolean>
  /** What was noted last, by whoever; undefined when nothing was. Never believed: the log is. */
  note(): Promise<Uint8Array | undefined>
  /** Replaces the note, durably. Only who has the turn may; who has lost it changes nothing. */
  keep(note: Uint8Array): Promise<void>
}
