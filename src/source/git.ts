import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { quote, SallyportError } from '#error'
import {
  failureOf,
  programPath,
  runProgram,
  startProgram,
  type Command,
  type Exit,
  type RunningProgram,
} from '#materials'
import type { Repository } from './repository.ts'

/** A bare repository of our own, and the one way to run git in it. */
export interface Git {
  /** Runs git to its end; throws SOURCE_UNAVAILABLE when it fails. */
  run(args: readonly string[], options?: RunOptions): Promise<Buffer>
  start(args: readonly string[]): RunningProgram
  /** Says what a program's end means; throws unless it succeeded. */
  check(exit: Exit, args: readonly string[]): void
}

export interface RunOptions {
  readonly timeoutMs?: number
  readonly maxOutputBytes?: number
}

export interface GitLimits {
  /** One git command other than the fetch. */
  readonly commandMs: number
  readonly fetchMs: number
  /** What the fetched objects may take on disk. */
  readonly maxPackBytes: number
}

// What git needs to get through a machine's proxy and to trust its certificate authorities; nothing else passes.
const networkVariables = [
  'GIT_SSL_CAINFO',
  'GIT_SSL_CAPATH',
  'CURL_CA_BUNDLE',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
]

/**
 * Prepares git in a private folder. Nothing of the machine's, the user's or the fetched repository's git configuration
 * takes part: no hooks, filters, attributes, helpers, prompts, submodules, lazy fetching or replaced objects, and no
 * protocol but the repository's own.
 */
export async function openGit(
  folder: string,
  repository: Repository,
  limits: GitLimits,
): Promise<Git> {
  const configFile = join(folder, 'gitconfig')
  await writeFile(configFile, configuration(repository), { mode: 0o600 })
  const repo = join(folder, 'repository')
  await mkdir(repo, { mode: 0o700 })
  const env = environment(repository, configFile, folder, repo)
  const command = (args: readonly string[], timeoutMs: number): Command => ({
    program: 'git',
    args,
    env,
    cwd: repo,
    timeoutMs,
  })
  const check = (exit: Exit, args: readonly string[]): void => {
    const failure = failureOf(exit)
    if (failure !== undefined) throw gitFailed(exit, args, failure, repository)
  }
  return {
    async run(args, options = {}) {
      const { exit, stdout, overflow } = await runProgram(
        command(args, options.timeoutMs ?? limits.commandMs),
        { maxOutputBytes: options.maxOutputBytes ?? 64 * 1024 ** 2 },
      )
      if (overflow) throw outputTooLarge(args, repository)
      check(exit, args)
      return stdout
    },
    start: (args) => startProgram(command(args, limits.fetchMs)),
    check,
  }
}

function configuration(repository: Repository): string {
  const lines = [
    // The only repositories git opens here are our own and the one that was asked for, whoever owns it.
    '[safe]\n\tdirectory = *',
    '[core]\n\thooksPath = /dev/null\n\tattributesFile = /dev/null\n\tfsmonitor = false',
    '[credential]\n\thelper =',
    '[protocol]\n\tallow = never',
    `[protocol "${repository.protocol}"]\n\tallow = always`,
    '[gc]\n\tauto = 0\n[maintenance]\n\tauto = false',
    '[submodule]\n\trecurse = false',
    // Everything arrives as one pack, whose size can be watched.
    '[fetch]\n\tunpackLimit = 1',
    `[http]\n\tfollowRedirects = ${repository.credentials === undefined ? 'initial' : 'false'}`,
  ]
  if (repository.credentials !== undefined) {
    const header = `Authorization: Basic ${Buffer.from(repository.credentials).toString('base64')}`
    lines.push(`[http "${new URL(repository.remote).origin}/"]\n\textraHeader = ${header}`)
  }
  return `${lines.join('\n')}\n`
}

function environment(
  repository: Repository,
  configFile: string,
  home: string,
  gitDir: string,
): Record<string, string> {
  const passed = repository.protocol === 'https' ? networkVariables : []
  const ssh = repository.protocol === 'ssh' ? ['SSH_AUTH_SOCK', 'HOME'] : []
  const machine = [...passed, ...ssh].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    HOME: home,
    ...Object.fromEntries(machine),
    PATH: programPath(process.env['PATH']),
    LC_ALL: 'C.UTF-8',
    GIT_DIR: gitDir,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: configFile,
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: '/bin/false',
    SSH_ASKPASS: '/bin/false',
    GIT_SSH_COMMAND: 'ssh -o BatchMode=yes',
    GIT_ALLOW_PROTOCOL: repository.protocol,
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_NO_LAZY_FETCH: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_LFS_SKIP_SMUDGE: '1',
  }
}

/** Fetches, and stops when what arrives takes more room than allowed. */
export async function fetchInto(
  git: Git,
  args: readonly string[],
  folder: string,
  limits: GitLimits,
  repository: Repository,
): Promise<void> {
  const running = git.start(args)
  const pack = join(folder, 'repository', 'objects', 'pack')
  running.stdin.end()
  running.stdout.resume()
  const timer = setInterval(() => {
    void sizeOf(pack).then((size) => (size > limits.maxPackBytes ? running.kill() : undefined))
  }, 200)
  const exit = await running.exit.finally(() => clearInterval(timer))
  if ((await sizeOf(pack)) > limits.maxPackBytes) throw historyTooLarge(repository, limits)
  git.check(exit, args)
}

async function sizeOf(folder: string): Promise<number> {
  // Files come and go while git works; what has gone takes no room.
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

function historyTooLarge(repository: Repository, limits: GitLimits): SallyportError {
  return new SallyportError({
    code: 'SOURCE_TOO_LARGE',
    where: quote(repository.uri),
    expected: `a history of at most ${limits.maxPackBytes} bytes`,
    found: 'more',
    fix: 'Build from a smaller repository, or ask the platform team for a higher limit',
  })
}

function gitFailed(
  exit: Exit,
  args: readonly string[],
  failure: string,
  repository: Repository,
): SallyportError {
  if (exit.kind === 'missing') {
    return new SallyportError({
      code: 'SOURCE_GIT_MISSING',
      expected: 'git on this machine',
      found: 'no program named git',
      fix: 'Run `apt-get install git`',
    })
  }
  return new SallyportError({
    code: 'SOURCE_UNAVAILABLE',
    where: quote(repository.uri),
    expected: `git ${args[0]} to succeed`,
    found: quote(failure, 400),
    fix: `Check that the repository can be reached from this machine: git ls-remote ${quote(repository.remote)}`,
  })
}

function outputTooLarge(args: readonly string[], repository: Repository): SallyportError {
  return new SallyportError({
    code: 'SOURCE_TOO_LARGE',
    where: quote(repository.uri),
    expected: `a bounded answer from git ${args[0]}`,
    found: 'more output than allowed',
    fix: 'Build from a repository with fewer refs and files',
  })
}
