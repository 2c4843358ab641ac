import type { Config } from '#config'
import type { Target } from '#decision'
import type { VerifyReport } from '../verify.ts'
import type { TokenPlace } from './token.ts'

/** Where an answer is recorded: in the log, or in a spool that goes there as soon as the log can be reached. */
export type GateRecord = { readonly index: number } | { readonly spooled: string }

/** One answer: to what was asked, and where it is recorded. */
export type GateAnswer = Pick<
  VerifyReport,
  'decision' | 'exit' | 'paths' | 'artifact' | 'places'
> & {
  readonly record: GateRecord
}

export interface GateOptions {
  /** What names the artifacts: see `parseArtifactName`. */
  readonly artifacts: readonly string[]
  readonly target: Target
  /** The environment that it is promoted from: it must be good there, too. */
  readonly from?: string
  readonly bundles: readonly string[]
  readonly evidence: readonly string[]
  /** A gate that runs; left out: the home of this machine decides. */
  readonly server?: ServerPlace
  readonly config: () => Promise<Config>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly cwd: string
  readonly now: () => Date
  /** What is done when everything is allowed. */
  readonly command?: DeployOptions
  /** Told of the answers before the command begins. */
  readonly onDecided?: (answers: readonly GateAnswer[]) => Promise<void>
}

/** A gate that runs, and how to be believed there. */
export interface ServerPlace {
  readonly url: string
  readonly token: TokenPlace
  /** A file of certificates in PEM. */
  readonly ca?: string
}

/** What is done when everything is allowed. */
export interface DeployOptions {
  /** A program and its words, with placeholders. No shell reads them. */
  readonly words: readonly string[]
  /** Names of variables that the command is given besides the ordinary ones. */
  readonly env: readonly string[]
  /** The command reads what it deploys from its environment: GATED_ARTIFACT and so on. */
  readonly inEnvironment: boolean
  /** Let nothing but a document be on stdout. */
  readonly quiet: boolean
}

/** Where it comes from first: what was never good there is not promoted. */
export function targetsOf(target: Target, from: string | undefined): readonly Target[] {
  return from === undefined ? [target] : [{ ...target, environment: from }, target]
}
