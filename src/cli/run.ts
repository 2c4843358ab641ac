import { resolve } from 'node:path'
import type { Config } from '#config'
import { catalogue, type Problem } from '#error'
import type { JsonObject } from '#document'
import { isHelpShown } from './command-line.ts'
import { failureOf, type Exit, type Failure } from './failure.ts'
import { shellWord, type Invocation } from './invocation.ts'
import { jsonText } from './json-text.ts'
import type { Outcome } from './outcome.ts'
import { createProgram, type GlobalOptions } from './program.ts'
import { renderProblems, type Look } from './render.ts'
import type { Session } from './session.ts'
import type { Terminal } from './terminal.ts'
import { readsCommands, withoutCommands } from './workflow-commands.ts'

/** The process around one run, given so that nothing below reads it by itself. */
export interface World {
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly terminal: Terminal
  readonly version: string
  /** How this program is called here; found out only when something has to be said about it. */
  readonly command: () => string
  readonly now: () => Date
}

interface Planned {
  readonly otherwise: string
  readonly work: (session: Session) => Promise<Outcome>
}

/** Understands one command line, does what it says, tells the result, and returns the exit code. Never throws. */
export async function run(argv: readonly string[], given: World): Promise<number> {
  const world = guarded(given)
  let json = argv.includes('--json')
  let planned: Planned | undefined
  let globals: GlobalOptions = { json }
  try {
    const program = await createProgram({
      argv,
      terminal: world.terminal,
      version: world.version,
      plan: (otherwise, work) => (planned = { otherwise, work }),
    })
    await program.parseAsync(argv, { from: 'user' })
    globals = program.opts<GlobalOptions>()
    json = globals.json
    if (planned === undefined) return 2
    return tell(await planned.work(sessionOf(world, globals)), world.terminal, json)
  } catch (error) {
    if (isHelpShown(error)) return error.exitCode === 0 ? 0 : 2
    const otherwise = planned?.otherwise ?? 'nothing was done'
    return tellFailure(failureOf(error), otherwise, { world, globals, json })
  }
}

/** Where a pipeline reads commands from what is printed, nobody else's text may be one. */
function guarded(world: World): World {
  const { env, terminal } = world
  if (!readsCommands(env)) return world
  const guard = (write: Terminal['out']) => (text: string) => write(withoutCommands(text))
  return { ...world, terminal: { ...terminal, out: guard(terminal.out), err: guard(terminal.err) } }
}

function sessionOf(world: World, globals: GlobalOptions): Session {
  const { terminal, cwd, env } = world
  const invocation = invocationOf(world, globals)
  let config: Promise<Config> | undefined
  const look =
    (paint: Look['paint'], width: number | undefined) =>
    (paths: Invocation['paths'] = new Map()): Look => ({
      paint,
      width,
      invocation: { ...invocation, paths },
    })
  return {
    cwd,
    env,
    terminal,
    version: world.version,
    json: globals.json,
    home: globals.home,
    invocation,
    outLook: look(terminal.outPaint, terminal.outWidth),
    errLook: look(terminal.errPaint, terminal.errWidth),
    config: () => (config ??= readConfig(world, globals)),
    now: world.now,
  }
}

async function readConfig(world: World, globals: GlobalOptions): Promise<Config> {
  const { loadConfig } = await import('#config')
  return loadConfig({ home: globals.home, cwd: world.cwd, env: world.env })
}

function invocationOf(world: World, globals: GlobalOptions): Invocation {
  const options = globals.home === undefined ? [] : ['--home', shellWord(globals.home)]
  return {
    get command() {
      return world.command()
    },
    options,
    paths: new Map(),
    cwd: world.cwd,
    home: resolve(world.cwd, globals.home ?? (world.env['SALLYPORT_HOME'] || '.sallyport')),
  }
}

function tell(outcome: Outcome, terminal: Terminal, json: boolean): number {
  if (json) terminal.out(`${jsonText(outcome.json)}\n`)
  else {
    if (outcome.text !== undefined) terminal.out(`${outcome.text}\n`)
    if (outcome.refusal !== undefined) terminal.err(`${outcome.refusal}\n`)
  }
  terminal.status()
  return outcome.status ?? outcome.exit
}

interface Place {
  readonly world: World
  readonly globals: GlobalOptions
  readonly json: boolean
}

function tellFailure(failure: Failure, otherwise: string, place: Place): Exit {
  const { terminal } = place.world
  if (place.json) {
    terminal.out(`${jsonText(problemsJson(failure, otherwise))}\n`)
  } else {
    const look = sessionOf(place.world, place.globals).errLook()
    const headline = `sallyport: ${look.paint.bad('error')}: ${otherwise}`
    terminal.err(`${headline}\n\n${renderProblems(failure.problems, look)}\n`)
  }
  if (place.world.env['SALLYPORT_DEBUG'] === '1' && failure.stack !== undefined) {
    terminal.err(`\n${failure.stack}\n`)
  }
  return failure.exit
}

/** Problems as a document: the same for every command. */
function problemsJson(failure: Failure, otherwise: string): JsonObject {
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'Problems',
    outcome: otherwise,
    exit: failure.exit,
    problems: failure.problems.map(problemJson),
  }
}

/** A problem with its title, for programs that show it. */
export function problemJson(problem: Problem): JsonObject {
  const { code, where, expected, found, fix } = problem
  const title = catalogue[code].title
  return { code, title, ...(where === undefined ? {} : { where }), expected, found, fix }
}
