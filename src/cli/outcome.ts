import type { JsonObject } from '#document'
import type { Exit } from './failure.ts'

/** What a command has to say. `json` is the same content as `text`, for programs. */
export interface Outcome {
  readonly exit: Exit
  /** What the process ends with where that is more than `exit` says: what a command of somebody else has ended with. */
  readonly status?: number
  readonly json: JsonObject
  /** The result, for stdout. */
  readonly text?: string
  /** A refusal, for stderr. */
  readonly refusal?: string
}
