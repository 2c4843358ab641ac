import type { Form } from './mutate/index.ts'
import type { Random } from './random.ts'

/**
 * Something that takes bytes from people, registries, attackers or pipelines. `run` MUST return or throw a
 * SallyportError for every input; everything else is a finding.
 */
export interface Target {
  /** `module.parser`, for `--target`. */
  readonly name: string
  /** The exports of modules that it feeds, as `#module.name`: a test compares them with what modules export. */
  readonly covers: readonly string[]
  readonly form: Form
  readonly seeds: () => readonly Buffer[]
  /** Makes an input, where changing bytes is not enough. */
  readonly make?: (random: Random) => Buffer
  readonly run: (input: Buffer) => unknown
}
