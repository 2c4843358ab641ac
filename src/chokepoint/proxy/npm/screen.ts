import { timeIn } from '#document'
import { quote, type Problem } from '#error'
import type { Binding } from './binding.ts'
import type { PackageName } from './name.ts'
import { isConsistent, type VersionRecord } from './packument.ts'
import { isListed, type NpmProxySettings } from './settings.ts'

/** Clocks differ a little; what lies further ahead is not the truth. */
const skewMs = 5 * 60_000

/** What every version is asked before it is offered, and again before its tarball is handed out. */
export interface Screening {
  readonly name: PackageName
  readonly binding: Binding
  readonly settings: NpmProxySettings
  readonly now: Date
}

/** Why a version is refused by what its registry says of it alone; empty when nothing speaks against it so far. */
export function screen(record: VersionRecord, screening: Screening): readonly Problem[] {
  const checks = [
    checkForm,
    checkDenied,
    checkTarball,
    checkIntegrity,
    checkDependencies,
    checkDeprecated,
    checkAge,
  ]
  return checks.flatMap((check) => check(record, screening) ?? [])
}

type Check = (record: VersionRecord, screening: Screening) => Problem | undefined

const checkForm: Check = (record, { name }) =>
  isConsistent(name.full, record)
    ? undefined
    : {
        code: 'NPM_VERSION_MALFORMED',
        where: shown(name, record),
        expected: 'a version, described under its own name and version',
        found: `a description of ${quote(`${String(record.manifest['name'])}@${String(record.manifest['version'])}`, 250)}`,
        fix: 'Choose another version; tell the registry that it describes this one wrongly',
      }

const checkDenied: Check = (record, { name, settings }) => {
  const isDenied =
    isListed(name.full, settings.denied) ||
    isListed(`${name.full}@${record.version}`, settings.denied)
  if (!isDenied) return undefined
  return {
    code: 'NPM_DENIED',
    where: shown(name, record),
    expected: `a package that is not in proxies.npm.denied of ${settings.file}`,
    found: 'one that is',
    fix: 'Use another package or version, or ask whoever keeps that list',
  }
}

const checkTarball: Check = (record, { name, binding, settings }) => {
  const url = URL.parse(record.tarball ?? '')
  const own = new URL(binding.registry.url).host
  if (url !== null && (url.host === own || settings.tarballHosts.has(url.host))) return undefined
  return {
    code: 'NPM_TARBALL_ELSEWHERE',
    where: shown(name, record),
    expected: `a tarball on ${own}, or on a host of proxies.npm.tarballHosts`,
    found: url === null ? 'no address' : quote(url.host, 200),
    fix: `Add the host to proxies.npm.tarballHosts of ${settings.file} if this registry keeps its tarballs there`,
  }
}

const checkIntegrity: Check = (record, { name }) =>
  record.sha512.length > 0
    ? undefined
    : {
        code: 'NPM_SHA512_MISSING',
        where: shown(name, record),
        expected: 'dist.integrity with a sha512',
        found: 'none',
        fix: 'Choose a version whose bytes the registry vouches for, or publish this one again',
      }

/** npm fetches a dependency that is an address from there, past every registry, and so past this proxy. */
const checkDependencies: Check = (record, { name, settings }) => {
  if (settings.addresses === 'offer') return undefined
  const outside = ['dependencies', 'optionalDependencies', 'peerDependencies']
    .flatMap((kind) => dependenciesIn(record.manifest[kind]))
    .find(([, range]) => !isOfRegistry(range))
  if (outside === undefined) return undefined
  return {
    code: 'NPM_DEPENDENCY_ELSEWHERE',
    where: shown(name, record),
    expected: 'dependencies that come from a registry',
    found: quote(`${outside[0]}: ${String(outside[1])}`, 250),
    fix: 'Choose a version without it; only what comes through the proxy is looked at',
  }
}

/** For npm a list has dependencies that are called 0, 1 and so on, and a text has one for each of its characters. */
function dependenciesIn(value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value === 'string') return /[/:\\.]/.test(value) ? [['a text', [value]]] : []
  return typeof value === 'object' && value !== null ? Object.entries(value) : []
}

/** A range, a tag or an alias; everything else that npm knows has a slash or a colon, or is called like a file. */
function isOfRegistry(range: unknown): boolean {
  if (typeof range !== 'string') return false
  const text = range.trimEnd().replace(/^npm:(?:@[^/:@\s]+\/)?/, '')
  // For npm any character may stand before "gz", not a dot only.
  return !/[/:\\]|^\.|\.(?:tgz|tar|tar.gz)$/is.test(text)
}

const checkDeprecated: Check = (record, { name, settings }) => {
  if (settings.deprecated === 'offer' || record.deprecated === undefined) return undefined
  return {
    code: 'NPM_DEPRECATED',
    where: shown(name, record),
    expected: 'a version that is not deprecated',
    found: `deprecated: ${quote(record.deprecated, 200)}`,
    fix: 'Move to a version that is maintained',
  }
}

const checkAge: Check = (record, { name, binding, settings, now }) => {
  const { minimumAge, minimumAgeExceptions, file } = settings
  // Packages of one's own are published to be used at once: waiting protects from what strangers publish.
  if (minimumAge === undefined || binding.isBound) return undefined
  const full = `${name.full}@${record.version}`
  if (minimumAgeExceptions.has(full.toLowerCase())) return undefined
  const where = shown(name, record)
  const expected = `published at least ${minimumAge.text} ago`
  const exception = `, or add ${quote(full, 250)} to proxies.npm.minimumAgeExceptions of ${file}`
  const published = timeIn(record.published ?? '')?.getTime()
  if (published === undefined || published > now.getTime() + skewMs) {
    const found = record.published === undefined ? 'no time' : quote(record.published, 60)
    const fix = `Choose a version whose time of publication is known${exception}`
    return { code: 'NPM_AGE_UNKNOWN', where, expected, found, fix }
  }
  const end = published + minimumAge.milliseconds
  if (end <= now.getTime()) return undefined
  return {
    code: 'NPM_TOO_YOUNG',
    where,
    expected,
    found: `published ${new Date(published).toISOString()}`,
    fix: `Choose an older version, or wait until ${new Date(end).toISOString()}${exception}`,
  }
}

function shown({ full }: PackageName, { version }: VersionRecord): string {
  return quote(`${full}@${version}`, 250)
}
