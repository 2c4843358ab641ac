import type { VerifierKey } from '#merkle'

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

  /** Keeps what proves that a log has two histories, and says where. MUST be bounded; keeping the same again does nothing. */
  keepEvidence(origin: string, evidence: string): Promise<string>
}

/** How a log speaks to one of its witnesses. */
export interface WitnessLink {
  /** As the policy calls it. */
  readonly name: string
  readonly url: string
  readonly key: VerifierKey
  /**
   * Asks, at a path below the address of the witness. Rejects with WITNESS_UNREACHABLE when there is no whole answer in
   * time. MUST be bounded in time and size, and MUST NOT follow redirects.
   */
  ask(request: {
    readonly method: 'GET' | 'POST'
    readonly path: string
    readonly body?: string
    readonly timeoutMs: number
  }): Promise<{ readonly status: number; readonly mediaType: string; readonly text: string }>
}
