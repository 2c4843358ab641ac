import type { Problem } from '#error'
import type { PipelineLint } from './lint.ts'
import { beside } from './lints/beside.ts'
import { download } from './lints/download.ts'
import { failOpen } from './lints/fail-open.ts'
import { plainHttp } from './lints/plain-http.ts'
import { runner } from './lints/runner.ts'
import { upload } from './lints/upload.ts'
import { readPipeline } from './pipeline.ts'

export type { PipelineLint } from './lint.ts'

/** Every lint of pipelines. */
export const pipelineLints: readonly PipelineLint[] = [
  failOpen,
  beside,
  upload,
  download,
  plainHttp,
  runner,
]

/**
 * What a GitHub workflow or GitLab pipeline should not do, of what can be seen in its file.
 *
 * @throws SallyportError DOCUMENT_…, LINT_CI_UNKNOWN when it is no pipeline
 */
export function lintPipeline(
  file: string,
  bytes: Uint8Array,
): readonly (Problem & { readonly severity: PipelineLint['severity'] })[] {
  const pipeline = readPipeline(file, bytes)
  return pipelineLints.flatMap(({ code, severity, find }) =>
    find(pipeline).map((remark) => ({ ...remark, code, severity })),
  )
}
