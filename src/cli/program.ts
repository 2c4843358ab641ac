import { CommandLine, helpStyle } from './command-line.ts'
import { commands, type Plan } from './commands.ts'
import type { Terminal } from './terminal.ts'

/** Options that every command takes. */
export interface GlobalOptions {
  readonly home?: string
  readonly json: boolean
}

export interface ProgramOptions {
  readonly argv: readonly string[]
  readonly terminal: Terminal
  readonly version: string
  readonly plan: Plan
}

/** Declares the command line. Only the files of commands that `argv` names are read. */
export async function createProgram(options: ProgramOptions): Promise<CommandLine> {
  const { terminal } = options
  const program = new CommandLine('sallyport')
  program
    .description('the guarded gate for production: may this artifact run here?')
    .option('--home <folder>', 'home folder (default: SALLYPORT_HOME, else .sallyport)')
    .option('--json', 'print one JSON document on stdout', false)
    .version(options.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp(helpStyle(terminal.outPaint))
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .exitOverride()
    .addHelpText('after', exits)
  const asked = new Set(options.argv)
  for (const { name, summary, load } of commands) {
    const command = program.command(name).description(summary)
    // `sallyport verify` reads one file of this table; `sallyport --help` none.
    if (asked.has(name)) (await load()).define(command, options.plan)
  }
  return program
}

const exits = `
exit codes:
  0 allowed, or done   1 denied   2 usage or configuration   3 could not decide, or not do`
