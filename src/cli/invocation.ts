import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, relative, sep } from 'node:path'

/** What a reader has to type here to run this very program, and where things are from where the reader stands. */
export interface Invocation {
  /** `sallyport`, `npx sallyport`, or a full path. */
  readonly command: string
  /** Options every printed command needs to reach the same home folder, such as `--home x`. */
  readonly options: readonly string[]
  /** From an artifact's name, as decisions have it, to the path a command needs. */
  readonly paths: ReadonlyMap<string, string>
  /** The working folder: paths in it are shown as the reader would type them. */
  readonly cwd: string
  /** The home folder: its files have names in decisions that are relative to it. */
  readonly home: string
}

export interface InvocationOptions {
  /** The file that was started. */
  readonly main: string
  readonly execPath: string
  readonly cwd: string
  readonly path: string
}

/** Finds the shortest way to call this program that works in the reader's shell. */
export function commandOf(options: InvocationOptions): string {
  const main = realpath(options.main)
  // npx and npm run put node_modules/.bin first in PATH; the reader's shell does not have it.
  const folders = options.path
    .split(delimiter)
    .filter((folder) => folder !== '' && !folder.endsWith(join('node_modules', '.bin')))
  if (folders.some((folder) => realpath(join(folder, 'sallyport')) === main)) return 'sallyport'
  if (realpath(join(options.cwd, 'node_modules/.bin/sallyport')) === main) return 'npx sallyport'
  const root = packageRootOf(main)
  if (root !== undefined && isInside(options.cwd, root)) return 'npx sallyport'
  return `${shellWord(options.execPath)} ${shellWord(main)}`
}

/**
 * Commands inside fixes are written `sallyport …` by those who do not know how they were called. This turns
 * them into what works here.
 */
export function localise(text: string, invocation: Invocation): string {
  return text.replace(/`sallyport( [^`]*)?`/g, (_, rest: string | undefined) => {
    const words = (rest ?? '').match(/"[^"]*"|'[^']*'|\S+/g) ?? []
    const named = words.map((word) => pathOf(word, invocation))
    return `\`${[invocation.command, ...named, ...invocation.options].join(' ')}\``
  })
}

const absolute = /(^|[\s"'`(=])(\/[^\s"'`]*)/g
const inHome = /(^|[\s"'`(])((?:[\w.-]+\/)*[\w.-]+\.ya?ml)(?=[:\s"'`),;]|$)/g

/** Shows paths as they open from here: short in the working folder, and whole for files that are named in the home. */
export function localisePaths(text: string, { cwd, home }: Invocation): string {
  return text
    .replace(absolute, (whole, before: string, path: string) =>
      path.startsWith(`${cwd}/`) ? before + path.slice(cwd.length + 1) : whole,
    )
    .replace(inHome, (whole, before: string, path: string) =>
      existsSync(join(cwd, path)) || !existsSync(join(home, path))
        ? whole
        : before + (relative(cwd, join(home, path)) || path),
    )
}

function pathOf(word: string, invocation: Invocation): string {
  const bare = word.replace(/^(['"])(.*)\1$/, '$2')
  const path = invocation.paths.get(bare)
  return path === undefined ? word : shellWord(path)
}

/** A word as a POSIX shell reads it back. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

function packageRootOf(main: string): string | undefined {
  for (let folder = dirname(main); folder !== dirname(folder); folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder
  }
  return undefined
}

function isInside(folder: string, root: string): boolean {
  const path = relative(root, realpath(folder) ?? folder)
  return path === '' || (path !== '..' && !path.startsWith(`..${sep}`))
}

function realpath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    // Absent is an answer here: this is not the way to call it.
    return path
  }
}
