import type { LockReport } from '#app'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { formatBytes } from '../duration.ts'
import { escapeLine } from '../escape.ts'
import { localisePaths } from '../invocation.ts'
import type { Outcome } from '../outcome.ts'
import { progressOf } from '../progress.ts'
import { plural, type Look } from '../render.ts'
import type { Session } from '../session.ts'

interface Options {
  readonly recipe?: string
  readonly root: boolean
}

export function define(command: CommandLine, plan: Plan): void {
  command
    .option('--recipe <path>', 'the recipe it is for (default: sallyport.build.json)')
    .option('--root', 'choose the Debian packages of the pinned root anew', false)
    .action((options: Options) =>
      plan('the lock is as it was', (session) => lock(session, options)),
    )
}

async function lock(session: Session, options: Options): Promise<Outcome> {
  const { renewLock } = await import('#app')
  session.terminal.status('reading the native locks')
  const report = await renewLock({
    config: await session.config(),
    folder: session.cwd,
    renewRoot: options.root,
    ...(options.recipe === undefined ? {} : { recipe: options.recipe }),
    onProgress: (progress) => session.terminal.status(progressOf({ kind: 'material', progress })),
  })
  return {
    exit: 0,
    json: {
      apiVersion: 'sallyport.dev/v1',
      kind: 'LockReport',
      ...report,
      added: [...report.added],
      removed: [...report.removed],
    },
    text: textOf(report, session.outLook()),
  }
}

function textOf(report: LockReport, { paint, invocation }: Look): string {
  const { file, npm, debian, bytes, changed, added, removed } = report
  const name = localisePaths(file, invocation)
  const head = changed
    ? `sallyport: ${paint.good('renewed')}: ${name}`
    : `sallyport: ${paint.good('current')}: ${name} is as it was`
  const counts = `  ${npm} npm and ${debian} Debian ${plural(debian, 'package')}, ${formatBytes(bytes)}, all downloaded and verified`
  const changes = [
    ...added.map((id) => `  ${paint.good('+')} ${escapeLine(id)}`),
    ...removed.map((id) => `  ${paint.bad('-')} ${escapeLine(id)}`),
  ]
  const next = changed ? ['', `next: review ${name}, and commit it`] : []
  return [head, '', counts, ...changes, ...next].join('\n')
}
