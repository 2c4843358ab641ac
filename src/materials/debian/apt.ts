import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { failureOf, runProgram, type Outcome } from '../process.ts'
import { aptFailed, hostEnvironment } from './host.ts'
import type { AptSource } from './sources.ts'

/** apt with a state of its own in a private folder: it needs no root and changes nothing on the machine. */
export interface Apt {
  /** Fetches the indexes; what could not be fetched is said in words. */
  update(): Promise<{ readonly failure: string | undefined }>
  /** The folder with the indexes, as apt keeps them. */
  readonly lists: string
  /** Downloads packages, each `NAME:ARCHITECTURE=VERSION`, into the folder; a failure is said in words. */
  download(
    packages: readonly string[],
    into: string,
  ): Promise<{ readonly failure: string | undefined }>
}

export interface AptOptions {
  readonly folder: string
  readonly sources: readonly AptSource[]
  readonly architecture: string
  readonly keyring: string
}

export async function openApt(options: AptOptions): Promise<Apt> {
  const { folder } = options
  for (const name of ['state/lists/partial', 'cache/archives/partial', 'parts'])
    await mkdir(join(folder, name), { recursive: true, mode: 0o700 })
  await writeFile(join(folder, 'status'), '')
  await writeFile(join(folder, 'apt.conf'), configuration)
  // Addresses can hold credentials: they are in a private file, never an argument.
  await writeFile(join(folder, 'sources.list'), sourceLines(options), { mode: 0o600 })
  const run = (args: readonly string[], cwd: string): Promise<Outcome> =>
    runProgram({
      program: 'apt-get',
      args: ['-c', join(folder, 'apt.conf'), ...settings(options), ...args],
      env: hostEnvironment(),
      cwd,
      timeoutMs: 600_000,
    })
  const failureFrom = ({ exit }: Outcome): { failure: string | undefined } => {
    const failure = failureOf(exit)
    if (exit.kind === 'missing' && failure !== undefined) throw aptFailed('apt-get', exit, failure)
    return { failure }
  }
  return {
    lists: join(folder, 'state/lists'),
    update: async () => failureFrom(await run(['--quiet', 'update'], folder)),
    download: async (packages, into) =>
      failureFrom(await run(['--quiet', 'download', ...packages], into)),
  }
}

export async function listsNamed(apt: Apt, ending: string): Promise<string[]> {
  const names = await readdir(apt.lists)
  return names
    .filter((name) => name.endsWith(ending))
    .toSorted()
    .map((name) => join(apt.lists, name))
}

// Nothing of the machine's hooks runs: they belong to an apt that installs.
const configuration = ['APT::Update', 'DPkg', 'APT::Periodic']
  .map((section) => `#clear ${section};\n`)
  .join('')

function settings({ folder, architecture }: AptOptions): string[] {
  const values: Record<string, string> = {
    'Dir::State': join(folder, 'state'),
    'Dir::State::status': join(folder, 'status'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::sourcelist': join(folder, 'sources.list'),
    'Dir::Etc::sourceparts': join(folder, 'parts'),
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': join(folder, 'parts'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    // The private folder is closed to apt's own user, which it would otherwise change to.
    'APT::Sandbox::User': '',
    'APT::Get::List-Cleanup': 'false',
    'Acquire::Languages': 'none',
    // The signed release lists the index as it is, not as apt might keep it.
    'Acquire::GzipIndexes': 'false',
    'Acquire::PDiffs': 'false',
    'Acquire::Retries': '3',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::AllowWeakRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
  }
  return Object.entries(values).flatMap(([key, value]) => ['-o', `${key}=${value}`])
}

function sourceLines({ sources, architecture, keyring }: AptOptions): string {
  return sources
    .map(({ uri, suite, components }) => {
      const options = `arch=${architecture} target=Packages signed-by=${keyring}`
      return `deb [${options}] ${uri} ${suite} ${components.join(' ')}\n`
    })
    .join('')
}
