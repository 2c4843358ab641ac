import { statSync, type Stats } from 'node:fs'
import { enableCompileCache } from 'node:module'
import { join, resolve } from 'node:path'

/**
 * Keeps compiled code between runs: a start takes about half the time. Only in a home folder that nobody else can
 * write to: what is cached there is run without being compared with its source byte by byte.
 */
export function keepCompiledCode(argv: readonly string[], env: NodeJS.ProcessEnv): void {
  const home = resolve(homeIn(argv) ?? (env['SALLYPORT_HOME'] || '.sallyport'))
  const stat = statOf(home)
  if (stat?.isDirectory() !== true) return
  if (stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) return
  enableCompileCache(join(home, 'cache'))
}

/** What is wrong with a home is told by who reads it. */
function statOf(home: string): Stats | undefined {
  try {
    return statSync(home)
  } catch {
    return undefined
  }
}

/** `--home x` or `--home=x`, before the command line has been understood: a wrong guess costs time, nothing else. */
function homeIn(argv: readonly string[]): string | undefined {
  const index = argv.findIndex((word) => word === '--home' || word.startsWith('--home='))
  const word = argv[index]
  return word === '--home' ? argv[index + 1] : word?.slice('--home='.length)
}
