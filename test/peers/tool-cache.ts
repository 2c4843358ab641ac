import { spawnSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A tool of somebody else: where it is, or why it cannot be had here. */
export type Tool = { readonly path: string } | { readonly reason: string }

interface Installation {
  /** With version: the name of the folder that is kept between runs, outside the tree. */
  readonly name: string
  /** The file that is there when the installation is complete, relative to its folder. */
  readonly file: string
  /** Commands to run in order; `$FOLDER` stands for the folder that is being filled. */
  readonly commands: readonly (readonly [string, ...string[]])[]
  readonly env?: Readonly<Record<string, string>>
  readonly timeoutMinutes: number
}

/**
 * Installs a tool once and keeps it. Whatever fails (no interpreter, no registry, no time) is the reason why
 * a test skips; it is never an error of ours.
 */
export function install({ name, file, commands, env, timeoutMinutes }: Installation): Tool {
  const folder = join(tmpdir(), `sallyport-peers-${name}`)
  const complete = join(folder, 'complete')
  // The name can be guessed: what somebody else put there is not run.
  if (existsSync(folder) && lstatSync(folder).uid !== process.getuid?.()) {
    return { reason: `${folder} belongs to somebody else` }
  }
  if (existsSync(complete)) return { path: join(folder, file) }
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { mode: 0o700 })
  for (const [command, ...args] of commands) {
    // `timeout` puts the command into a process group of its own and ends all of it.
    const result = spawnSync(
      'timeout',
      ['--kill-after=5', `${timeoutMinutes}m`, 'nice', '-n', '19', command, ...args].map(
        (argument) => argument.replaceAll('$FOLDER', folder),
      ),
      {
        cwd: tmpdir(),
        env: { ...process.env, ...expanded(env, folder) },
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    )
    if (result.status !== 0) {
      rmSync(folder, { recursive: true, force: true })
      const isLate = result.status === 124 || result.status === 137
      const why = isLate ? `not done after ${timeoutMinutes} minutes` : lastLine(result)
      return { reason: `${name} cannot be installed: ${why}` }
    }
  }
  writeFileSync(`${complete}.part`, '')
  renameSync(`${complete}.part`, complete)
  return { path: join(folder, file) }
}

function expanded(env: Readonly<Record<string, string>> = {}, folder: string): typeof env {
  return Object.fromEntries(
    Object.entries(env).map(([key, value]) => [key, value.replaceAll('$FOLDER', folder)]),
  )
}

function lastLine({ stderr, error }: { readonly stderr: string; readonly error?: Error }): string {
  if (error !== undefined) return error.message
  const lines = stderr.trim().split('\n')
  return (lines.at(-1) ?? '').slice(0, 200)
}
