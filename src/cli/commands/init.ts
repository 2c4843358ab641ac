import type { InitReport } from '#app'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { escapeLine } from '../escape.ts'
import { localise, localisePaths } from '../invocation.ts'
import type { Outcome } from '../outcome.ts'
import { highlight, type Look } from '../render.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

interface Options {
  readonly repository?: string
  readonly service?: string
  readonly logOrigin?: string
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option(
      '--repository <uri>',
      'where artifacts come from, git+https://… (default: this checkout)',
    )
    .option('--service <name>', 'the service the policies are for (default: from the recipe)')
    .option('--log-origin <name>', 'the name of the log, for ever (default: sallyport.local/log)')
    .action((options: Options) =>
      plan('the home folder is not complete', (session) => init(session, options)),
    )
}

async function init(session: Session, options: Options): Promise<Outcome> {
  const { initHome } = await import('#app')
  session.terminal.status('making keys')
  const { cwd, env, home } = session
  const report = await initHome({ cwd, env, home, ...options, now: session.now() })
  return {
    exit: 0,
    json: { apiVersion: 'sallyport.dev/v1', kind: 'InitReport', ...jsonOf(report) },
    text: textOf(report, session.outLook()),
  }
}

function jsonOf({ home, items }: InitReport) {
  return { home, items: items.map((item) => ({ ...item })) }
}

function textOf(report: InitReport, look: Look): string {
  const { paint } = look
  const states = { made: paint.good('made'), kept: paint.faint('kept') }
  const rows = report.items.map(({ state, path, what }) => [
    states[state],
    escapeLine(path === '.' ? localisePaths(report.home, look.invocation) : path),
    paint.faint(what),
  ])
  const made = report.items.filter(({ state }) => state === 'made').length
  const verdict =
    made === 0 ? 'everything was there, nothing was changed' : `${made} made, nothing overwritten`
  const next = 'next: read the two policies, then `sallyport build`'
  return [
    table(rows),
    `sallyport: ${verdict}\n${highlight(localise(next, look.invocation), paint)}`,
  ].join('\n\n')
}
