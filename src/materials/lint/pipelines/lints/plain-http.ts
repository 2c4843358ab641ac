import { lintTransport } from '../../commands.ts'
import { readShell } from '../../shell.ts'
import type { PipelineLint } from '../lint.ts'

export const plainHttp: PipelineLint = {
  code: 'LINT_PLAIN_HTTP',
  severity: 'warning',
  entries: ['LNT-15'],
  why: 'Anybody on the way between the runner and the server can put something else in its place.',
  find: ({ steps }) =>
    steps.flatMap(({ at, run }) =>
      readShell(run).flatMap(({ words }) => lintTransport(words, at('run'))),
    ),
}
