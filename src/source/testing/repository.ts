import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A real repository in a folder, made with git alone. */
export interface TestRepository {
  readonly path: string
  readonly git: (args: readonly string[], input?: string | Uint8Array) => string
  readonly write: (path: string, content: string) => void
  /** Commits everything in the working tree at a fixed time; gives the hash. */
  readonly commit: (message?: string, time?: number) => string
  /** Commits a tree object made of these raw entries, whatever git would think of them. */
  readonly commitRaw: (entries: readonly RawTreeEntry[]) => string
}

export interface RawTreeEntry {
  readonly mode: string
  readonly name: string | Uint8Array
  readonly id: string
}

export const testTime = 1_700_000_000

export function testRepository(
  path: string,
  options: { readonly format?: 'sha1' | 'sha256'; readonly bare?: boolean } = {},
): TestRepository {
  mkdirSync(path, { recursive: true })
  const run = (args: readonly string[], input?: string | Uint8Array, time = testTime): string =>
    execFileSync('git', [...args], {
      cwd: path,
      env: environment(path, time),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(input === undefined ? {} : { input }),
    }).trim()
  const bare = options.bare === true ? ['--bare'] : []
  run([
    'init',
    '--quiet',
    '--initial-branch=main',
    `--object-format=${options.format ?? 'sha1'}`,
    ...bare,
  ])
  return {
    path,
    git: (args, input) => run(args, input),
    write(name, content) {
      mkdirSync(dirname(join(path, name)), { recursive: true })
      writeFileSync(join(path, name), content)
    },
    commit(message = 'change', time = testTime) {
      run(['add', '--all'])
      run(['commit', '--quiet', '--allow-empty', `--message=${message}`], undefined, time)
      return run(['rev-parse', 'HEAD'])
    },
    commitRaw(entries) {
      const tree = Buffer.concat(
        entries.map(({ mode, name, id }) =>
          Buffer.concat([
            Buffer.from(`${mode} `),
            Buffer.from(name),
            Buffer.from([0]),
            Buffer.from(id, 'hex'),
          ]),
        ),
      )
      const id = run(['hash-object', '-t', 'tree', '-w', '--literally', '--stdin'], tree)
      const commit = run(['commit-tree', id, '-m', 'raw'])
      run(['update-ref', 'refs/heads/main', commit])
      return commit
    },
  }
}

function environment(home: string, time: number): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: 'A U Thor',
    GIT_AUTHOR_EMAIL: 'author@example.invalid',
    GIT_COMMITTER_NAME: 'C O Mitter',
    GIT_COMMITTER_EMAIL: 'committer@example.invalid',
    GIT_AUTHOR_DATE: `${time - 60} +0200`,
    GIT_COMMITTER_DATE: `${time} +0200`,
  }
}
