import { spawn, type ChildProcess } from 'node:child_process'
import { constants } from 'node:os'
import { quote, SallyportError } from '#error'

/** How a command ended. */
export interface CommandEnd {
  /** Its exit code; 128 and the number of the signal that ended it. */
  readonly code: number
  readonly signal?: string
}

export interface CommandOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  /** Let what it prints on stdout go to stderr, because stdout is a document. */
  readonly quiet: boolean
}

/**
 * Runs a command without a shell, and passes on the signals that this process gets.
 *
 * @throws SallyportError GATE_COMMAND when it could not be started
 */
export async function runCommand(
  [program = '', ...words]: readonly string[],
  { env, cwd, quiet }: CommandOptions,
): Promise<CommandEnd> {
  const child = spawn(program, words, {
    env,
    cwd,
    stdio: ['inherit', quiet ? 2 : 'inherit', 'inherit'],
    shell: false,
  })
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  try {
    return await endOf(child)
  } catch (cause) {
    throw notStarted(program, cause)
  } finally {
    for (const signal of signals) process.off(signal, pass)
  }
}

async function endOf(child: ChildProcess): Promise<CommandEnd> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (signal === null) resolve({ code: code ?? 1 })
      else resolve({ code: 128 + constants.signals[signal], signal })
    })
  })
}

const whyNot: Readonly<Record<string, string>> = {
  ENOENT: 'none of this name',
  EACCES:
    'one that may not be run, or none in the folders of PATH that may be looked into (EACCES)',
}

function notStarted(program: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  return new SallyportError(
    {
      code: 'GATE_COMMAND',
      where: quote(program, 200),
      expected: 'a program that can be started',
      found: whyNot[code] ?? code,
      fix: 'Correct the command behind `--`, or install the program; everything was allowed, and nothing was deployed',
    },
    { cause },
  )
}

/** What every program needs, and nothing that opens a door. */
const ordinary = ['PATH', 'HOME', 'USER', 'LOGNAME', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TERM']

/**
 * The environment of a command: what every program needs, what was named, and nothing else; so the step for one
 * environment has the credential of that environment only (DEP-17).
 *
 * @throws SallyportError USAGE_VALUE for a name that is none, or that is not set
 */
export function environmentOf(
  env: Readonly<Record<string, string | undefined>>,
  names: readonly string[],
  own: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  SallyportError.throwAll(
    names.flatMap((name) => {
      const isName = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      if (isName && env[name] !== undefined) return []
      return [
        {
          code: 'USAGE_VALUE',
          where: 'sallyport gate --env',
          expected: 'the name of an environment variable that is set',
          // Whoever writes NAME=VALUE has written a secret.
          found: isName ? `${name}, which is not set` : quote(name.replace(/=.*/s, '=…'), 100),
          fix: isName ? `Set ${name} for this step` : 'Write the name alone',
        },
      ]
    }),
  )
  const kept = [...ordinary, ...names].flatMap((name) => {
    const value = env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(kept), ...own }
}
