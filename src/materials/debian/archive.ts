import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { quote, SallyportError } from '#error'
import { hashFile } from '../hash.ts'
import { listsNamed, openApt, type Apt } from './apt.ts'
import { aptFailed, machineCodename } from './host.ts'
import { openPackagesIndex, type PackagesIndex } from './packages-index.ts'
import { debianKeyring, verifyRelease, type Release } from './release.ts'
import { machineSources, sourcesFor, type AptSource } from './sources.ts'

/** Where Debian packages come from; default: this machine's apt sources and Debian's keys. */
export interface ArchiveOptions {
  readonly sources?: readonly AptSource[]
  /** The release this machine's sources are for; default: what /etc/os-release says. */
  readonly codename?: string
  /** A file of OpenPGP keys that may sign a release. */
  readonly keyring?: string
}

/** An index that a verified release vouches for. */
export interface VerifiedIndex {
  readonly release: Release
  /** Below the suite, `main/binary-amd64/Packages`. */
  readonly path: string
  readonly sha256: string
  readonly packages: PackagesIndex
}

/** The archive as far as its signature could be followed today. */
export interface Archive {
  readonly indexes: readonly VerifiedIndex[]
  readonly apt: Apt
  /** The InRelease files of the releases in `indexes`. */
  readonly releaseFiles: readonly string[]
}

/**
 * Fetches the indexes of the suites with this machine's apt and follows each from the archive's signature: InRelease by
 * gpgv, index by its digest therein. What does not verify is not there.
 *
 * @throws SallyportError ROOT_ARCHIVE_UNREACHABLE, ROOT_ARCHIVE_UNTRUSTED, ROOT_NOT_DEBIAN
 */
export async function openArchive(
  wanted: {
    readonly suites: readonly string[]
    readonly architecture: string
    readonly folder: string
  },
  options: ArchiveOptions,
): Promise<Archive> {
  const { folder, architecture } = wanted
  const keyring = options.keyring ?? debianKeyring
  await checkKeyring(keyring)
  const codename = options.codename ?? (await machineCodename())
  const machine = options.sources ?? (await machineSources(folder))
  const sources = sourcesFor(wanted.suites, machine, codename)
  if (sources.length === 0) throw noSource(wanted.suites)
  const apt = await openApt({ folder, sources, architecture, keyring })
  const { failure } = await apt.update()
  const releases: { release: Release; file: string }[] = []
  for (const file of await listsNamed(apt, '_InRelease')) {
    const release = await verifyRelease(file, keyring, folder)
    if (release !== undefined) releases.push({ release, file })
  }
  const indexes = await verifiedIndexes(
    apt,
    releases.map(({ release }) => release),
    architecture,
  )
  if (indexes.length === 0) throw untrusted(sources, keyring, failure)
  const used = new Set(indexes.map(({ release }) => release))
  const releaseFiles = releases.filter(({ release }) => used.has(release)).map(({ file }) => file)
  return { indexes, apt, releaseFiles }
}

async function verifiedIndexes(
  apt: Apt,
  releases: readonly Release[],
  architecture: string,
): Promise<VerifiedIndex[]> {
  const path = `main/binary-${architecture}/Packages`
  const found: VerifiedIndex[] = []
  for (const file of await listsNamed(apt, '_Packages')) {
    const sha256 = (await hashFile(file)).sha256
    const release = releases.find(({ indexes }) => indexes.get(path)?.sha256 === sha256)
    if (release === undefined) continue
    const text = await readFile(file, 'utf8')
    const what = `Debian ${release.codename}${/-(?:updates|security)$/.exec(release.suite)?.[0] ?? ''}`
    const packages = openPackagesIndex(text, architecture, what)
    found.push({ release, path, sha256, packages })
  }
  return found
}

async function checkKeyring(keyring: string): Promise<void> {
  const found = await stat(keyring).catch(() => undefined)
  if (found !== undefined) return
  throw new SallyportError({
    code: 'ROOT_NOT_DEBIAN',
    where: keyring,
    expected: "the keys of Debian's archive",
    found: 'no such file',
    fix: 'Run `apt-get install debian-archive-keyring`; without it, run `sallyport build --root measured`',
  })
}

function noSource(suites: readonly string[]): SallyportError {
  return new SallyportError({
    code: 'ROOT_ARCHIVE_UNREACHABLE',
    where: "this machine's apt sources",
    expected: `a source with the component main for ${suites.join(' or ')}`,
    found: 'none',
    fix: 'Add a Debian mirror to /etc/apt/sources.list.d, or run `sallyport build --root measured`',
  })
}

function untrusted(
  sources: readonly AptSource[],
  keyring: string,
  failure: string | undefined,
): SallyportError {
  if (failure !== undefined)
    return aptFailed('apt-get update', { kind: 'exited', status: 100, stderr: '' }, failure)
  return new SallyportError({
    code: 'ROOT_ARCHIVE_UNTRUSTED',
    where: sources.map(({ suite }) => suite).join(', '),
    expected: `an index signed by a key of ${basename(keyring)}`,
    found: `none from ${sources.map(({ uri }) => quote(originOf(uri))).join(', ')}`,
    fix: 'Point apt at a Debian mirror; if it is one, find out who changed what it gives',
  })
}

function originOf(uri: string): string {
  const url = URL.parse(uri)
  return url === null ? 'an unreadable address' : `${url.protocol}//${url.host}`
}
