import { collect } from '../collect.ts'
import type { CommandLine } from '../command-line.ts'
import type { Plan } from '../commands.ts'
import { parseParameter } from '../parameter.ts'
import { record } from './layout/record.ts'
import { verify, type VerifyOptions } from './layout/verify.ts'

/** Supply chains that their owner has laid out. One file of `layout/` per subcommand. */
export function define(command: CommandLine, plan: Plan): void {
  command
    .command('verify')
    .description('hold a supply chain against its signed in-toto layout')
    .needs('--layout <file>', 'the signed layout')
    .option('--key <file>', 'a public key that must have signed it (repeatable)', collect, [])
    .needs('--links <dir>', 'the folder of the links, with those of sublayouts below it')
    .option('--product <path>', 'what is to be used: a file, or a folder; inspections run in it')
    .option('--parameter <name=value>', 'what stands in the layout for {name}', parseParameter, {})
    .option('--run-inspections', 'run the commands of the layout on this machine', false)
    .action((options: VerifyOptions) =>
      plan('the supply chain was not verified', (session) => verify(session, options)),
    )
  command
    .command('record')
    .description('write layout and links as one predicate, to be signed as evidence of an artifact')
    .needs('--layout <file>', 'the signed layout')
    .needs('--links <dir>', 'the folder of the links')
    .action((options: { readonly layout: string; readonly links: string }) =>
      plan('nothing was written', () => record(options)),
    )
}
