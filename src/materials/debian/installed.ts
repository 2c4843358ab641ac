import { SallyportError } from '#error'
import { failureOf, runProgram } from '../process.ts'
import { parseParagraph } from './control.ts'
import { debPackageOf, type DebPackage } from './closure.ts'
import { aptFailed, hostEnvironment } from './host.ts'

/** The machine whose packages are measured; default: this one. */
export interface HostOptions {
  /** Where its file system is. */
  readonly root?: string
  /** Where dpkg keeps what is installed. */
  readonly adminDir?: string
}

const fields = [
  'Package',
  'Version',
  'Architecture',
  'Priority',
  'Pre-Depends',
  'Depends',
  'Provides',
]

/** The packages that are installed whole, of the machine's own architecture or of none. */
export async function installedPackages(
  architecture: string,
  host: HostOptions,
): Promise<DebPackage[]> {
  const format = `${fields.map((name) => `${name}: \${${name}}\n`).join('')}Status: \${db:Status-Abbrev}\n\n`
  const answer = await dpkgQuery([`--show`, `--showformat=${format}`], host)
  return answer
    .split('\n\n')
    .map((text) => parseParagraph(text))
    .filter((paragraph) => paragraph.get('status')?.startsWith('ii') === true)
    .map((paragraph) => debPackageOf(paragraph, architecture))
    .filter((item) => item.architecture === architecture || item.architecture === 'all')
}

/** The paths of each package on the machine, as dpkg lists them, diversions followed. */
export async function listedPaths(
  packages: readonly DebPackage[],
  host: HostOptions,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const names = packages.map(({ name, architecture }) =>
    architecture === 'all' ? name : `${name}:${architecture}`,
  )
  const sections = (await dpkgQuery(['--listfiles', ...names], host)).split('\n\n')
  return new Map(
    packages.map(({ name }, index) => [name, pathsOf(name, sections[index] ?? '')] as const),
  )
}

function pathsOf(name: string, section: string): string[] {
  const paths: string[] = []
  // Every package lists at least the top of the file system.
  if (!section.split('\n').includes('/.')) throw noList(name)
  for (const line of section.split('\n')) {
    // The file above is elsewhere: it gave way to another package's.
    const diverted = /^(?:diverted by \S+|locally diverted) to: (\/.*)$/.exec(line)?.[1]
    if (diverted !== undefined) paths.splice(-1, 1, diverted)
    else if (line.startsWith('/') && line !== '/.') paths.push(line)
  }
  return paths
}

function noList(name: string): SallyportError {
  return new SallyportError({
    code: 'ROOT_FILE',
    where: `Debian package ${name}`,
    expected: 'a list of its files',
    found: 'none',
    fix: `Run \`apt-get install --reinstall ${name}\``,
  })
}

async function dpkgQuery(args: readonly string[], host: HostOptions): Promise<string> {
  const admin = host.adminDir === undefined ? [] : [`--admindir=${host.adminDir}`]
  const { exit, stdout } = await runProgram(
    {
      program: 'dpkg-query',
      args: [...admin, ...args],
      env: hostEnvironment(),
      cwd: '/',
      timeoutMs: 60_000,
    },
    { maxOutputBytes: 256 * 1024 ** 2 },
  )
  const failure = failureOf(exit)
  if (failure !== undefined) throw aptFailed('dpkg-query', exit, failure)
  return stdout.toString('utf8')
}
