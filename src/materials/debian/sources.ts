import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { comparePaths } from '../tar/entry.ts'
import { failureOf, runProgram } from '../process.ts'
import { parseParagraphs } from './control.ts'
import { aptFailed, hostEnvironment } from './host.ts'

/** One line of a machine's apt sources. */
export interface AptSource {
  readonly uri: string
  readonly suite: string
  readonly components: readonly string[]
}

/** The archives this machine installs from, as its apt is configured (sources.list(5), both formats). */
export async function machineSources(folder: string): Promise<AptSource[]> {
  const { exit, stdout } = await runProgram({
    program: 'apt-config',
    args: ['shell', 'LIST', 'Dir::Etc::sourcelist/f', 'PARTS', 'Dir::Etc::sourceparts/d'],
    env: hostEnvironment(),
    cwd: folder,
    timeoutMs: 30_000,
  })
  const failure = failureOf(exit)
  if (failure !== undefined) throw aptFailed('apt-config', exit, failure)
  const answer = stdout.toString()
  const list = /^LIST='(.*)'$/m.exec(answer)?.[1] ?? '/etc/apt/sources.list'
  const parts = /^PARTS='(.*)'$/m.exec(answer)?.[1] ?? '/etc/apt/sources.list.d'
  const names = await readdir(parts).catch(() => [])
  const files = [list, ...names.toSorted(comparePaths).map((name) => join(parts, name))]
  const sources: AptSource[] = []
  for (const file of files) {
    // A file that is not there or that only root may read is a source this user does not have.
    const text = await readFile(file, 'utf8').catch(() => '')
    if (file.endsWith('.sources')) sources.push(...parseDeb822(text))
    else if (file.endsWith('.list')) sources.push(...parseOneLine(text))
  }
  return sources
}

/** `deb [option=value …] URI SUITE COMPONENT…` */
export function parseOneLine(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const [, rest] = /^\s*deb\s+(?:\[[^\]]*\]\s)?([^#]*)/.exec(line) ?? []
    const [uri, suite, ...components] = rest?.split(/\s+/).filter((word) => word !== '') ?? []
    return uri === undefined || suite === undefined ? [] : [{ uri, suite, components }]
  })
}

export function parseDeb822(text: string): AptSource[] {
  return parseParagraphs(text).flatMap((fields) => {
    const words = (name: string): string[] =>
      (fields.get(name) ?? '').split(/\s+/).filter((word) => word !== '')
    if (!words('types').includes('deb') || fields.get('enabled')?.toLowerCase() === 'no') return []
    const components = words('components')
    return words('uris').flatMap((uri) =>
      words('suites').map((suite) => ({ uri, suite, components })),
    )
  })
}

/**
 * Where the wanted suites may be found: at the addresses where this machine has them, and where it has its own suite of
 * the same kind. (Whether what is found there is Debian is decided by its signature.)
 */
export function sourcesFor(
  wanted: readonly string[],
  sources: readonly AptSource[],
  codename: string,
): AptSource[] {
  const main = sources.filter(({ components }) => components.includes('main'))
  const found = wanted.flatMap((suite) => {
    const kind = kindOf(suite)
    const exact = main.filter((source) => source.suite === suite)
    const alike = main.filter((source) => aliases(codename, kind).includes(source.suite))
    return (exact.length > 0 ? exact : alike).map(({ uri }) => uri).map((uri) => ({ uri, suite }))
  })
  const unique = new Map(found.map((item) => [`${item.uri} ${item.suite}`, item]))
  return [...unique.values()].map((item) => ({ ...item, components: ['main'] }))
}

/** The part of a suite's name behind its codename: nothing, `-updates`, `-security`. */
function kindOf(suite: string): string {
  return /-(?:updates|security)$/.exec(suite)?.[0] ?? ''
}

function aliases(codename: string, kind: string): string[] {
  return [codename, 'stable', 'oldstable', 'testing', 'unstable', 'sid'].map((name) => name + kind)
}
