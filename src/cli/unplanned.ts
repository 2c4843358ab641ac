import { failureOf } from './failure.ts'
import { jsonText } from './json-text.ts'
import { plain } from './paint.ts'
import { standardOutput } from './readers.ts'
import { renderProblems } from './render.ts'

/**
 * What is left to say when an exception reached the top of the process. Node would exit with 1, which means "denied"
 * here: a failure to decide is 3, whatever happened.
 */
export function tellUnplanned(error: unknown, argv: readonly string[]): void {
  const { problems, stack } = failureOf(error)
  const otherwise = 'stopped half-way; nothing that was not told was done'
  const isUnread = problems.some(({ where }) => where === standardOutput)
  if (argv.includes('--json') && !isUnread) {
    const document = {
      apiVersion: 'sallyport.dev/v1',
      kind: 'Problems',
      outcome: otherwise,
      exit: 3,
      problems,
    }
    process.stdout.write(`${jsonText(document)}\n`)
  } else {
    const invocation = { command: 'sallyport', options: [], paths: new Map(), cwd: '/', home: '/' }
    const text = renderProblems(problems, { paint: plain, invocation })
    process.stderr.write(`sallyport: error: ${otherwise}\n\n${text}\n`)
  }
  if (process.env['SALLYPORT_DEBUG'] === '1' && stack !== undefined)
    process.stderr.write(`\n${stack}\n`)
}
