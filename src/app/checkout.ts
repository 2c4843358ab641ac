import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { quote, SallyportError } from '#error'

/** The git checkout a person works in: what `up` says about it before it builds its last commit. */
export interface Checkout {
  readonly top: string
  /** The commit HEAD stands for. */
  readonly commit: string
  /** The branch HEAD stands on; absent when it is detached. */
  readonly branch?: string
  /** A branch or tag that contains the commit, for when HEAD is detached. */
  readonly ref?: string
  /** How many files differ from the commit, new ones included. */
  readonly changed: number
  readonly subject: string
}

const run = promisify(execFile)

/**
 * Looks at the checkout around a folder; the home folder in it is no change. Nothing of it is run: no hook, no file
 * system monitor.
 *
 * @throws SallyportError CHECKOUT_NONE, CHECKOUT_EMPTY, MACHINE_NOT_READY
 */
export async function inspectCheckout(folder: string, home: string): Promise<Checkout> {
  const top = await git(folder, ['rev-parse', '--show-toplevel'])
  if (top === undefined) throw noCheckout(folder)
  const commit = await git(folder, ['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'])
  if (commit === undefined) throw noCommit(top)
  const branch = await git(folder, ['symbolic-ref', '--quiet', 'HEAD'])
  const ref = branch ?? (await containingRef(folder, commit))
  const others = ['--', top, `:(exclude,literal)${home}`]
  const status = (await git(folder, ['status', '--porcelain', '--no-renames', ...others])) ?? ''
  const subject = (await git(folder, ['show', '--no-patch', '--format=%s', commit])) ?? ''
  return {
    top,
    commit,
    ...(branch === undefined ? {} : { branch }),
    ...(ref === undefined ? {} : { ref }),
    changed: status === '' ? 0 : status.split('\n').length,
    subject: subject.slice(0, 200),
  }
}

async function containingRef(folder: string, commit: string): Promise<string | undefined> {
  const patterns = ['refs/heads', 'refs/tags']
  const args = ['for-each-ref', '--count=1', '--format=%(refname)', `--contains=${commit}`]
  const found = await git(folder, [...args, ...patterns])
  return found === '' ? undefined : found
}

const safe = ['-c', 'core.fsmonitor=false', '-c', 'core.hooksPath=/dev/null']

/** What git says, trimmed; undefined when it says no. */
async function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    const { stdout } = await run('git', ['-C', folder, ...safe, ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      timeout: 60_000,
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], LC_ALL: 'C' },
    })
    return stdout.trim()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') throw noGit(cause)
    const { stderr = '' } = cause as { stderr?: string }
    if (/dubious ownership/.test(stderr)) throw foreign(folder, stderr)
    return undefined
  }
}

function noCheckout(folder: string): SallyportError {
  return new SallyportError({
    code: 'CHECKOUT_NONE',
    where: folder,
    expected: 'a folder inside a git checkout: what is built is its last commit',
    found: 'no .git here or above',
    fix: 'Change to a checkout, or build a repository by its address with `sallyport build --repository https://…`',
  })
}

function noCommit(top: string): SallyportError {
  return new SallyportError({
    code: 'CHECKOUT_EMPTY',
    where: top,
    expected: 'at least one commit: what is built is a commit, never a working folder',
    found: 'a repository without commits',
    fix: 'Run `git add --all && git commit`, then try again',
  })
}

function foreign(folder: string, stderr: string): SallyportError {
  return new SallyportError({
    code: 'CHECKOUT_NONE',
    where: folder,
    expected: 'a checkout that belongs to the user who runs this',
    found: quote(stderr.split('\n')[0], 200),
    fix: `Run \`git config --global --add safe.directory ${folder}\` if you trust what is in it`,
  })
}

function noGit(cause: unknown): SallyportError {
  return new SallyportError(
    {
      code: 'MACHINE_NOT_READY',
      where: 'git',
      expected: 'git, which fetches the source',
      found: 'no such program',
      fix: 'Run `sallyport doctor`, which says how to install it',
    },
    { cause },
  )
}
