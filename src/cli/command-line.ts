import { Command, CommanderError, type Help, type Option } from 'commander'
import { quote, SallyportError, type Problem, type ProblemCode } from '#error'
import type { Paint } from './paint.ts'

/** A commander command whose complaints are Problems, all of them at once, and whose help follows our style. */
export class CommandLine extends Command {
  /** Options that must be given. Checked here and not by commander, which asks for them before it sees a misspelt one. */
  readonly wanted: Option[] = []

  override createCommand(name?: string): CommandLine {
    return new CommandLine(name)
  }

  /** An option without which the command means nothing. */
  needs(flags: string, description: string, parse?: (text: string) => unknown): this {
    const option = this.createOption(flags, `${description} (needed)`)
    if (parse !== undefined) option.argParser(parse)
    this.wanted.push(option)
    return this.addOption(option)
  }

  override action(work: Parameters<Command['action']>[0]): this {
    return super.action((...given: Parameters<typeof work>) => {
      if (missingOptions(this).length > 0) throw missing(this)
      return work.apply(this, given)
    })
  }

  override error(message: string, options?: { readonly code?: string }): never {
    throw usage(this, message, options?.code ?? '')
  }
}

/** Whether a thrown thing is commander having shown help or the version, which is not a failure. */
export function isHelpShown(error: unknown): error is CommanderError {
  return (
    error instanceof CommanderError &&
    ['commander.help', 'commander.helpDisplayed', 'commander.version'].includes(error.code)
  )
}

/** The command's full name: `sallyport log verify`. */
export function fullName(command: Command): string {
  const parent = command.parent === null ? '' : `${fullName(command.parent)} `
  return parent + command.name()
}

const codes: Readonly<Record<string, ProblemCode>> = {
  'commander.unknownCommand': 'USAGE_UNKNOWN_COMMAND',
  'commander.unknownOption': 'USAGE_UNKNOWN_OPTION',
  'commander.missingArgument': 'USAGE_MISSING',
  'commander.optionMissingArgument': 'USAGE_MISSING',
  'commander.excessArguments': 'USAGE_EXCESS',
}

function usage(command: Command, message: string, code: string): SallyportError {
  const problemCode = codes[code] ?? 'USAGE_VALUE'
  if (problemCode === 'USAGE_MISSING' && code !== 'commander.optionMissingArgument') {
    return missing(command)
  }
  const where = fullName(command)
  const suggestion = /\(Did you mean (?:one of )?(.*)\?\)/.exec(message)?.[1]
  const found = /'([^']*)'/s.exec(message)?.[1] ?? message.replace(/^error: /, '')
  return new SallyportError({
    code: problemCode,
    where,
    ...described(problemCode, command, { message, found }),
    fix: `${suggestion === undefined ? 'Read' : `Use ${suggestion}, or read`} \`${where} --help\``,
  })
}

type Said = Pick<Problem, 'expected' | 'found'>

function described(
  code: ProblemCode,
  command: Command,
  { message, found }: { readonly message: string; readonly found: string },
): Said {
  if (code === 'USAGE_UNKNOWN_COMMAND') {
    const names = command.commands.map((each) => each.name())
    return { expected: `one of ${names.join(', ')}`, found: quote(command.args[0] ?? found) }
  }
  if (code === 'USAGE_UNKNOWN_OPTION') {
    const flags = optionsOf(command).map((option) => option.long)
    return { expected: flags.join(', '), found: quote(found) }
  }
  if (code === 'USAGE_EXCESS') {
    const given = command.args.map((argument) => quote(argument)).join(', ')
    return { expected: argumentsOf(command) || 'no argument', found: given }
  }
  if (code === 'USAGE_MISSING') return { expected: `a value after ${found}`, found: 'none' }
  return invalidValue(message, found)
}

function invalidValue(message: string, found: string): Said {
  const option = /^error: option '(.*)' argument '(.*)' is invalid\. (.*)$/s.exec(message)
  if (option !== null) {
    const [, flags = '', value = '', hint = ''] = option
    const choices = /^Allowed choices are (.*)\.$/.exec(hint)?.[1]
    const wanted = choices === undefined ? hint : `one of ${choices}`
    return { expected: `a value for ${flags}: ${wanted}`, found: quote(value) }
  }
  const argument =
    /^error: command-argument value '(.*)' is invalid for argument '(.*)'\. (.*)$/s.exec(message)
  const [, value = found, name = '', hint = ''] = argument ?? []
  return {
    expected: name === '' ? 'another value' : `a value for <${name}>: ${hint}`,
    found: quote(value),
  }
}

/** Everything that is missing, not only the first thing. */
function missing(command: Command): SallyportError {
  const absent = command.registeredArguments.slice(command.args.length)
  const names = absent.filter(({ required }) => required).map((argument) => `<${argument.name()}>`)
  const wanted = [...names, ...missingOptions(command).map(({ flags }) => flags)]
  return new SallyportError({
    code: 'USAGE_MISSING',
    where: fullName(command),
    expected: [argumentsOf(command), ...wantedBy(command).map(({ flags }) => flags)]
      .filter((part) => part !== '')
      .join(' '),
    found: `no ${wanted.join(', no ')}`,
    fix: `Add ${wanted.join(' and ')}, or read \`${fullName(command)} --help\``,
  })
}

function wantedBy(command: Command): readonly Option[] {
  return command instanceof CommandLine ? command.wanted : []
}

function missingOptions(command: Command): Option[] {
  return wantedBy(command).filter(
    (option) => command.getOptionValue(option.attributeName()) === undefined,
  )
}

function argumentsOf(command: Command): string {
  return command.registeredArguments
    .map((argument) => {
      const shown = `${argument.name()}${argument.variadic ? '…' : ''}`
      return argument.required ? `<${shown}>` : `[${shown}]`
    })
    .join(' ')
}

function optionsOf(command: Command): Option[] {
  const own = command.options.filter(({ hidden, long }) => !hidden && long !== undefined)
  return command.parent === null ? own : [...own, ...optionsOf(command.parent)]
}

/** Help in the colours of the terminal it is shown on. */
export function helpStyle(paint: Paint): Partial<Help> {
  return {
    showGlobalOptions: true,
    optionDescription: (option) => option.description,
    styleTitle: (text) => paint.strong(titleOf(text)),
    styleCommandText: (text) => paint.command(text),
    styleSubcommandText: (text) => paint.command(text),
    styleOptionText: (text) => paint.command(text),
    styleArgumentText: (text) => paint.command(text),
  }
}

function titleOf(title: string): string {
  return title === 'Global Options:'
    ? 'options of every command:'
    : title.charAt(0).toLowerCase() + title.slice(1)
}
