import { quote } from '#error'
import { interpreters, programOf } from '../../commands.ts'
import { downloads } from '../../downloads.ts'
import { readShell } from '../../shell.ts'
import type { PipelineLint } from '../lint.ts'

export const download: PipelineLint = {
  code: 'LINT_DOWNLOAD',
  severity: 'warning',
  entries: ['LNT-11'],
  why: 'Whoever owns the address decides what runs in the pipeline, today something else than yesterday, with all its secrets in reach (Codecov, 2021).',
  find: ({ steps }) =>
    steps.flatMap(({ at, run }) => {
      const commands = readShell(run)
      return commands.flatMap((command, index) => {
        const from = commands[index - 1]
        if (!command.piped || from === undefined) return []
        const source = programOf(from)
        if (
          !interpreters.test(programOf(command).program) ||
          !downloads(source.program, source.args)
        )
          return []
        return [
          {
            where: at('run'),
            expected:
              'programs that are in the source, or that are compared with a digest before they run',
            found: `${quote(from.words.join(' '))} piped into ${quote(command.words.join(' '), 60)}`,
            fix: 'Commit the script, or download it, compare its SHA-256 with one that is written here, and run it then',
          },
        ]
      })
    }),
}
