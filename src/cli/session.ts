import type { Config } from '#config'
import type { Invocation } from './invocation.ts'
import type { Look } from './render.ts'
import type { Terminal } from './terminal.ts'

/** What a command is given besides its own arguments. */
export interface Session {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  /** Of this program. */
  readonly version: string
  readonly json: boolean
  /** `--home` as it was typed. */
  readonly home: string | undefined
  readonly invocation: Invocation
  /** How a result looks on stdout, and a refusal on stderr. */
  readonly outLook: (paths?: Invocation['paths']) => Look
  readonly errLook: (paths?: Invocation['paths']) => Look
  /** The configuration of the home folder; read once, when first asked for. */
  readonly config: () => Promise<Config>
  /** The time decisions are made at. */
  readonly now: () => Date
}
