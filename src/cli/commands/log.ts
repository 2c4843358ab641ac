import type { CommandLine } from '../command-line.ts'
import { collect } from '../collect.ts'
import type { Plan } from '../commands.ts'
import { parseCount } from '../number.ts'
import { parseTime } from '../time.ts'
import { builds, type BuildsOptions } from './log/builds.ts'
import { replay } from './log/replay.ts'
import { keys } from './log/keys.ts'
import { receipt, show } from './log/show.ts'
import { verifyLog } from './log/verify.ts'

export function define(command: CommandLine, plan: Plan): void {
  command
    .command('verify')
    .description('prove the whole log: signatures, every tile, every entry, every kept checkpoint')
    .option('--earlier <file>', 'a checkpoint or receipt that was kept (repeatable)', collect, [])
    .option('--witnesses', 'ask the witnesses of the log, too, which checkpoint they hold', false)
    .action((options: { readonly earlier: readonly string[]; readonly witnesses: boolean }) =>
      plan('the log was not verified', (session) => verifyLog(session, options)),
    )
  command
    .command('show')
    .description('list the newest entries, or show one: a decision with its reasons')
    .argument('[index]', 'which one', parseCount)
    .option('--limit <count>', 'how many to list', parseCount, 20)
    .action((index: number | undefined, { limit }: { readonly limit: number }) =>
      plan('nothing was read', (session) => show(session, index, limit)),
    )
  command
    .command('builds')
    .description('list the newest builds: who asked, from what, and how each ended')
    .option('--limit <count>', 'how many to list', parseCount, 20)
    .option('--against-record', 'hold them against what build.record keeps elsewhere', false)
    .option(
      '--since <time>',
      'with --against-record: pass over builds before, such as 2026-06-01T00:00:00Z',
      parseTime,
    )
    .option('--token-file <file>', 'the token of an auditor there, in a file')
    .option('--token-env <name>', 'the same, in an environment variable')
    .action((options: BuildsOptions) =>
      plan('nothing was read', (session) => builds(session, options)),
    )
  command
    .command('receipt')
    .description('print the proof that a decision is in the log, a .tlog-proof')
    .argument('<index>', 'which one', parseCount)
    .option('--witnessed', 'only one whose checkpoint a quorum of witnesses has cosigned', false)
    .action((index: number, options: { readonly witnessed: boolean }) =>
      plan('there is no receipt', (session) => receipt(session, index, options)),
    )
  command
    .command('keys')
    .description('print the verifier keys of the log, one on each line, for witnesses and readers')
    .action(() => plan('no key was read', keys))
  command
    .command('replay')
    .description('decide again from what was recorded, and compare byte for byte')
    .argument('[index]', 'which one; without it, all', parseCount)
    .action((index: number | undefined) =>
      plan('nothing was replayed', (session) => replay(session, index)),
    )
}
