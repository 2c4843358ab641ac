import { lintPipeline, pipelineLints, type PipelineLint } from '#materials'
import type { LintFinding } from '#policy'
import { readNamed } from '../input.ts'

export interface PipelineLintReport {
  readonly findings: readonly LintFinding[]
  /** The text of each file, by the name that findings have for it. */
  readonly sources: ReadonlyMap<string, string>
  readonly lints: readonly PipelineLint[]
}

/**
 * Looks at pipeline files for what makes verification and evidence worthless.
 *
 * @throws SallyportError FILE_…, DOCUMENT_…, LINT_CI_UNKNOWN
 */
export async function lintPipelines(options: {
  readonly files: readonly string[]
  readonly cwd: string
}): Promise<PipelineLintReport> {
  const files = await Promise.all(options.files.map((path) => readNamed(path, options.cwd)))
  return {
    findings: files.flatMap(({ file, bytes }) => lintPipeline(file, bytes)),
    sources: new Map(files.map(({ file, bytes }) => [file, new TextDecoder().decode(bytes)])),
    lints: pipelineLints,
  }
}
