/** Cosigns for one witness. It MUST refuse what its log has not signed, and a tree smaller than one it has cosigned. */
export interface Cosigner {
  /** Of the witness, and its vkeys: cosignature keys, all of which sign. */
  readonly name: string
  readonly verifierKeys: readonly string[]

  /** The signature lines of all keys for a signed checkpoint of the log with this origin. */
  cosign(origin: string, checkpoint: string): Promise<string>
}

/** What a witness has cosigned last, for each log. */
export interface WitnessStore {
  /** The newest cosigned checkpoint of this log, as a note; undefined when there is none. */
  newest(origin: string): Promise<string | undefined>

  /**
   * Puts `note` in the place of `expected`, which `newest` gave, and says whether it did: false when another one is
   * there by now. MUST be atomic across processes, and durable when it resolves.
   */
  replace(origin: string, expected: string | undefined, note: string): Promise<boolean>

  /** Keeps what proves that a log has two histories. MUST be bounded; keeping the same again does nothing. */
  keepEvidence(origin: string, evidence: string): Promise<void>
}
