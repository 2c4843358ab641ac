import { run } from '../../src/cli/run.ts'
import { plain } from '../../src/cli/paint.ts'

/** What the command line said when it ran in this process. */
export interface Said {
  readonly exit: number
  readonly stdout: string
  readonly stderr: string
  /** Standard output, when it is one JSON document. */
  readonly json: Answer
}

/** As much of the reports as tests look at. */
export interface Answer {
  readonly kind?: string
  readonly decision?: {
    readonly verdict: string
    readonly effect: string
    readonly reasons: readonly Reason[]
    readonly inputs: {
      readonly sources: readonly {
        readonly name: string
        readonly outcome: string
        readonly detail?: string
      }[]
    }
    readonly request: { readonly artifact: { readonly digest: Readonly<Record<string, string>> } }
  }
  readonly problems?: readonly Reason[]
  readonly [key: string]: unknown
}

interface Reason {
  readonly code: string
  readonly where?: string
  readonly found: string
  readonly fix: string
}

export interface InProcessOptions {
  /** The folder it runs in. */
  readonly dir: string
  readonly env?: Readonly<Record<string, string>>
  /** Default: the time it is. */
  readonly now?: Date
}

/** Runs the whole command line in this process: the same program as `sallyport`, without the start of one. */
export async function runInProcess(
  args: readonly string[],
  { dir, env = {}, now }: InProcessOptions,
): Promise<Said> {
  const said = { stdout: '', stderr: '' }
  const exit = await run(args, {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir, ...env },
    terminal: {
      out: (text) => {
        said.stdout += text
      },
      err: (text) => {
        said.stderr += text
      },
      outPaint: plain,
      errPaint: plain,
      status: () => undefined,
    },
    version: '0.0.0',
    command: () => 'sallyport',
    now: () => now ?? new Date(),
  })
  return { exit, ...said, json: jsonOf(said.stdout) }
}

function jsonOf(text: string): Answer {
  return text.startsWith('{') ? (JSON.parse(text) as Answer) : {}
}
