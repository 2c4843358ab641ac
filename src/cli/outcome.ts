import type { JsonObject } from '#document'
import type { Exit } from './failure.ts'

/** What a command has to say. `json` is the same content as `text`, for programs. */
export interface Outcome {
  readonly exit: Exit
  readonly json: JsonObject
  /** The result, for stdout. */
  readonly text?: string
  /** A refusal, for stderr. */
  readonly refusal?: string
}
