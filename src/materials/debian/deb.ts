import { quote, SallyportError } from '#error'
import { collectTree } from '../tar/collect.ts'
import type { TreeEntry } from '../tar/entry.ts'
import type { Spool } from '../tar/spool.ts'
import { failureOf, runProgram, startProgram, type Command } from '../process.ts'
import { debPackageOf, type DebPackage } from './closure.ts'
import { parseParagraph } from './control.ts'
import { aptFailed, hostEnvironment } from './host.ts'
import { placeInRoot } from './root-rule.ts'

/** What a .deb says of itself. Its maintainer scripts are never looked at. */
export async function readDebControl(
  path: string,
  architecture: string,
  folder: string,
): Promise<DebPackage> {
  const { exit, stdout } = await runProgram(command(['--field', path], folder))
  const failure = failureOf(exit)
  if (failure !== undefined) throw unreadable(path, exit.kind === 'missing', failure)
  return debPackageOf(parseParagraph(stdout.toString('utf8')), architecture)
}

/** Reads the files of a .deb into a tree, as the root's rule places them. Nothing is run, set up or unpacked to disk. */
export async function readDebTree(
  path: string,
  options: { readonly what: string; readonly spool: Spool; readonly folder: string },
): Promise<TreeEntry[]> {
  const running = startProgram(command(['--fsys-tarfile', path], options.folder))
  running.stdin.end()
  try {
    const tree = await collectTree(running.stdout, {
      what: options.what,
      spool: options.spool,
      place: placeInRoot,
      symlinks: 'any',
    })
    const exit = await running.exit
    const failure = failureOf(exit)
    if (failure !== undefined) throw unreadable(path, exit.kind === 'missing', failure)
    return tree
  } finally {
    running.kill()
    await running.exit
  }
}

function command(args: readonly string[], cwd: string): Command {
  return { program: 'dpkg-deb', args, env: hostEnvironment(), cwd, timeoutMs: 300_000 }
}

function unreadable(path: string, missing: boolean, failure: string): SallyportError {
  if (missing) return aptFailed('dpkg-deb', { kind: 'missing' }, failure)
  return new SallyportError({
    code: 'ROOT_PACKAGE_DAMAGED',
    where: quote(path),
    expected: 'a Debian package that dpkg-deb can read',
    found: quote(failure, 300),
    fix: 'Run `sallyport lock --root`, review what changed, and commit the lock',
  })
}
