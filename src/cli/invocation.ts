import { existsSync, realpathSync } from 'node:fs'
import { delimiter, dirname, join, relative, sep } from 'node:path'

/** What a reader has to type here to run this very program, and where the names in recorded problems are found. */
export interface Invocation {
  /** `sallyport`, `npx sallyport`, or a full path. */
  readonly command: string
  /** Options every printed command needs to reach the same home folder, such as `--home x`. */
  readonly options: readonly string[]
  /** From a name in a problem (an artifact's, a file's in the home) to the path a reader can open. */
  readonly paths: ReadonlyMap<string, string>
  /** The working folder: paths in it are shown as the reader would type them. */
  readonly cwd: string
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

/** Shortens absolute paths inside the working folder. */
export function shorten(text: string, { cwd }: Invocation): string {
  return text.replace(/(^|[\s"'`(=])(\/[^\s"'`]*)/g, (whole, before: string, path: string) =>
    path.startsWith(`${cwd}/`) ? before + path.slice(cwd.length + 1) : whole,
  )
}

/** Turns the file a `where` begins with into the path that opens it from here. */
export function localiseWhere(where: string, invocation: Invocation): string {
  for (const [name, path] of invocation.paths) {
    if (where === name || where.startsWith(`${name}:`) || where.startsWith(`${name} `)) {
      return path + where.slice(name.length)
    }
  }
  return where
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
