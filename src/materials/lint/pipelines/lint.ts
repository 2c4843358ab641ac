import type { Problem, ProblemCode } from '#error'
import type { Pipeline } from './pipeline.ts'

/** One thing that pipelines should not do. */
export interface PipelineLint {
  readonly code: ProblemCode
  readonly severity: 'warning' | 'note'
  /** The entries of docs/requirements.md that it is about. */
  readonly entries: readonly string[]
  readonly why: string
  readonly find: (pipeline: Pipeline) => readonly Omit<Problem, 'code'>[]
}
