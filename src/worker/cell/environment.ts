import type { CellSpec } from './protocol.ts'
import { npmEnvironment } from './npm-registry.ts'

/** The programs of the mounted tools come first, then those of the root. */
export function searchPath(toolFolders: readonly string[]): string {
  return [...toolFolders, '/usr/local/bin', '/usr/bin', '/bin'].join(':')
}

/** What every command is started with: fixed values, the registry where there is one, and what the step adds. */
export function environmentOf(
  spec: Pick<CellSpec, 'env' | 'cwd' | 'npmRegistry'>,
  toolFolders: readonly string[],
): Record<string, string> {
  const fixed = {
    HOME: '/home/build',
    LC_ALL: 'C.UTF-8',
    LOGNAME: 'build',
    PATH: searchPath(toolFolders),
    PWD: spec.cwd,
    TMPDIR: '/tmp',
    TZ: 'UTC',
    USER: 'build',
  }
  const npm = spec.npmRegistry === undefined ? {} : npmEnvironment
  const all: Record<string, string> = { ...fixed, ...spec.env, ...npm }
  return Object.fromEntries(Object.entries(all).sort(([a], [b]) => (a < b ? -1 : 1)))
}
