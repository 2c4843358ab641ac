import type { Decision } from '#decision'
import type { Problem } from '#error'
import type { NpmPackage } from '#evidence'
import type { Target } from '#policy'

/** One artifact that somebody wants to have through a proxy. */
export interface PullQuestion {
  /** As it is called in the decision: with its digest or version, without what can change. */
  readonly name: string
  /** Lower-case hex sha256 of the very bytes that will be handed out. */
  readonly sha256: string
  /** Of the same bytes, where evidence may know them by it. */
  readonly sha512?: string
  readonly target: Target
  readonly requester: string
  /** What the client asked for, for the record. */
  readonly asked: Readonly<Record<string, string>>
  /** Where its evidence is looked for in an OCI registry (`host/repository[:tag]@sha256:…`). */
  readonly reference?: string
  /** Where its evidence is looked for in an npm registry. */
  readonly npm?: NpmPackage
  /** Digests of evidence that led to a yes before: it is shown again, because its place does not answer. */
  readonly kept?: readonly string[]
}

export interface PullAnswer {
  readonly decision: Decision
  /** Where it stands in the log; `spooled` while it waits for its place. */
  readonly index: number | bigint | 'spooled'
}

/** What a proxy needs of the rest. */
export interface ProxyPorts {
  /**
   * Decides through the one way in; resolves when the decision is durable. MUST be bounded in time.
   *
   * @throws SallyportError when it could not be recorded; then nothing may be handed out
   */
  readonly decide: (question: PullQuestion) => Promise<PullAnswer>
  /** Records a refusal that is not about an artifact; resolves when it is durable. */
  readonly refuse: (
    asked: Readonly<Record<string, string>>,
    requester: string,
    problems: readonly Problem[],
  ) => Promise<void>
  /** Changes when policies or trust do: what was allowed before is decided anew. */
  readonly edition: () => string
  /** The answer for people, in one line. */
  readonly explain: (answer: PullAnswer) => string
}
