import type { Problem } from '#error'
import semver from 'semver'
import { isVersionText, tarballPath, type PackageName } from './name.ts'
import { objectOf, type Fields, type Packument, type VersionRecord } from './packument.ts'
import { reasonOf } from './reason.ts'

/** What npm is offered of a package. */
export interface Offer {
  readonly versions: readonly VersionRecord[]
  readonly distTags: ReadonlyMap<string, string>
  readonly hidden: ReadonlyMap<string, readonly Problem[]>
}

/** Leaves out what is refused, and mends what pointed there. */
export function offerOf(
  { versions, distTags }: Packument,
  refusals: ReadonlyMap<string, readonly Problem[]>,
  refused: 'hide' | 'fail',
): Offer {
  // What is malformed is handed on in no case.
  const hidden = new Map(
    [...refusals].filter(
      ([, [first]]) => refused === 'hide' || first?.code === 'NPM_VERSION_MALFORMED',
    ),
  )
  const left = [...versions.values()].filter(({ version }) => !hidden.has(version))
  return { versions: left, distTags: mendTags(distTags, left), hidden }
}

/**
 * A tag that points to something that is not offered goes, but for `latest`, which becomes the newest version not above
 * what it was: what lies above it has never been recommended to everybody. Releases come before pre-releases.
 */
function mendTags(
  distTags: ReadonlyMap<string, string>,
  left: readonly VersionRecord[],
): ReadonlyMap<string, string> {
  const offered = new Set(left.map(({ version }) => version))
  const tags = new Map([...distTags].filter(([, version]) => offered.has(version)))
  if (tags.has('latest')) return tags
  const latest = newest([...offered], distTags.get('latest'))
  return latest === undefined ? tags : tags.set('latest', latest)
}

function newest(offered: readonly string[], limit: string | undefined): string | undefined {
  const loose = { loose: true }
  const versions = offered.filter((version) => semver.valid(version, loose) !== null)
  const isRelease = (version: string): boolean => semver.prerelease(version, loose) === null
  const end = semver.valid(limit ?? '', loose)
  const below = versions.filter((version) => end === null || semver.lte(version, end, loose))
  const choices = [below.filter(isRelease), below, versions.filter(isRelease), versions]
  const [best = []] = choices.filter((one) => one.length > 0)
  return best.toSorted((a, b) => semver.rcompare(a, b, loose))[0]
}

const abbreviated = [
  'name',
  'version',
  'dependencies',
  'optionalDependencies',
  'devDependencies',
  'bundleDependencies',
  'bundledDependencies',
  'peerDependencies',
  'peerDependenciesMeta',
  'acceptDependencies',
  'bin',
  'directories',
  'engines',
  'os',
  'cpu',
  'libc',
  'funding',
  'deprecated',
  'hasInstallScript',
] as const

/** Of the package as a whole. Nothing else is handed on: npm would choose from `stagedVersions`, too. */
const whole = [
  '_id',
  '_rev',
  'author',
  'bugs',
  'contributors',
  'description',
  'homepage',
  'keywords',
  'license',
  'maintainers',
  'name',
  'readme',
  'readmeFilename',
  'repository',
] as const

const maxTold = 8

export interface WriteOptions {
  readonly name: PackageName
  /** How clients reach the proxy, without a slash at its end. */
  readonly address: string
  readonly form: 'abbreviated' | 'full'
}

/** The packument as the proxy hands it out: tarballs lie with the proxy, and `dist.integrity` is what it was. */
export function writePackument(
  { fields, times }: Packument,
  offer: Offer,
  { name, address, form }: WriteOptions,
): string {
  const versions = offer.versions.map((record): [string, Fields] => {
    // A lock that is packed into a tarball names addresses, and npm goes there past the proxy: told nothing of it, npm
    // asks the proxy for what the package depends on.
    const { _hasShrinkwrap: _, ...rest } = record.manifest
    const full = { ...rest, ...installScriptIn(rest) }
    const manifest = form === 'full' ? full : pick(full, abbreviated)
    const tarball = `${address}${tarballPath(name, record.version)}`
    return [
      record.version,
      { ...manifest, dist: { ...objectOf(record.manifest['dist']), tarball } },
    ]
  })
  const time = [...times].filter(([version]) => !offer.hidden.has(version))
  const common = {
    'dist-tags': Object.fromEntries(offer.distTags),
    versions: Object.fromEntries(versions),
    ...restrictions(offer, name),
  }
  if (form === 'full') {
    return JSON.stringify({ ...pick(fields, whole), ...common, time: Object.fromEntries(time) })
  }
  return JSON.stringify({ name: name.full, modified: fields['modified'], ...common })
}

/**
 * Without this npm 8 runs no script of a package, and no lock says that it has one. Most full packuments do not say
 * it, but what the scripts are; short ones say it, and do not have them. A registry that says it may know of one that is
 * not among the scripts: a package with `binding.gyp` is built when it is installed.
 */
function installScriptIn({ scripts, hasInstallScript }: Fields): Fields {
  const known = objectOf(scripts)
  if (known === undefined || hasInstallScript === true) return {}
  const has = ['preinstall', 'install', 'postinstall'].some((name) => Object.hasOwn(known, name))
  return { hasInstallScript: has }
}

/** npm tells this message when somebody asks for a version that is listed here, and takes none of them. */
function restrictions({ hidden }: Offer, { full }: PackageName): Fields {
  if (hidden.size === 0) return {}
  const told = [...hidden].slice(-maxTold).map(([, [first]]) => first && reasonOf(first))
  const more = hidden.size > maxTold ? [`and ${hidden.size - maxTold} more versions`] : []
  const listed = [...hidden.keys()].filter(isVersionText)
  return {
    policyRestrictions: {
      message: [...told, ...more].join('\n'),
      versions: Object.fromEntries(listed.map((version) => [version, { name: full, version }])),
    },
  }
}

function pick(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => Object.hasOwn(fields, name)).map((name) => [name, fields[name]]),
  )
}
