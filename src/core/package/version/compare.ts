import { quote, SallyportError } from '#error'
import { alpine } from './alpine.ts'
import { debian } from './debian.ts'
import { cran, hackage } from './dotted.ts'
import { maven } from './maven.ts'
import type { Scheme, Sign } from './order.ts'
import { packagist } from './packagist.ts'
import { pypi } from './pypi.ts'
import { rpm } from './rpm.ts'
import { rubygems } from './rubygems.ts'
import { nuget, pub, semver } from './semver.ts'

const maxLength = 1024

/** The ecosystems of the OSV schema whose order is known.    https://ossf.github.io/osv-schema/#defined-ecosystems */
const schemes: ReadonlyMap<string, Scheme> = new Map([
  ...['AlmaLinux', 'Azure Linux', 'Mageia', 'openEuler', 'openSUSE', 'Photon OS'].map(
    (name) => [name, rpm] as const,
  ),
  ...['Red Hat', 'Rocky Linux', 'SUSE'].map((name) => [name, rpm] as const),
  ...['Alpaquita', 'Alpine', 'BellSoft Hardened Containers', 'Chainguard', 'MinimOS', 'Wolfi'].map(
    (name) => [name, alpine] as const,
  ),
  ...['Debian', 'Echo', 'Ubuntu'].map((name) => [name, debian] as const),
  ...['Bioconductor', 'Bitnami', 'ConanCenter', 'crates.io', 'GHC', 'GitHub Actions', 'Go'].map(
    (name) => [name, semver] as const,
  ),
  ...['Hex', 'Julia', 'Kubernetes', 'npm', 'SwiftURL', 'VSCode'].map(
    (name) => [name, semver] as const,
  ),
  ['CRAN', cran],
  ['Hackage', hackage],
  ['Maven', maven],
  ['NuGet', nuget],
  ['Packagist', packagist],
  ['Pub', pub],
  ['PyPI', pypi],
  ['RubyGems', rubygems],
])

/** Whether the order of versions in an ecosystem is known. */
export function isKnownEcosystem(ecosystem: string): boolean {
  return schemes.has(baseOf(ecosystem))
}

/**
 * Compares two versions as their ecosystem does: -1 when `a` comes before `b`, 1 after, 0 when they are the same.
 * It is a total order over all texts, so that no version escapes a range; ask `isVersion` whether a text means
 * anything in the ecosystem. Ecosystems are named as in OSV; a release behind a colon (`Debian:12`) is ignored.
 *
 * @throws SallyportError PACKAGE_ECOSYSTEM when the order is not known, PACKAGE_VERSION when a text is too long
 */
export function compareVersions(ecosystem: string, a: string, b: string): Sign {
  const { compare } = schemeFor(ecosystem)
  for (const version of [a, b]) {
    if (version.length > maxLength) throw tooLong(ecosystem, version)
  }
  return compare(a, b)
}

/**
 * Whether a text is a version as its ecosystem writes them.
 *
 * @throws SallyportError PACKAGE_ECOSYSTEM
 */
export function isVersion(ecosystem: string, text: string): boolean {
  return text.length <= maxLength && schemeFor(ecosystem).isVersion(text)
}

function schemeFor(ecosystem: string): Scheme {
  const scheme = schemes.get(baseOf(ecosystem))
  if (scheme !== undefined) return scheme
  throw new SallyportError({
    code: 'PACKAGE_ECOSYSTEM',
    where: quote(ecosystem, 80),
    expected: `one of ${[...schemes.keys()].sort().join(', ')}`,
    found: quote(ecosystem, 80),
    fix: 'Name the ecosystem as the OSV schema does',
  })
}

function baseOf(ecosystem: string): string {
  const colon = ecosystem.indexOf(':')
  return colon === -1 ? ecosystem : ecosystem.slice(0, colon)
}

function tooLong(ecosystem: string, version: string): SallyportError {
  return new SallyportError({
    code: 'PACKAGE_VERSION',
    where: `a version of ${quote(ecosystem, 80)}`,
    expected: `at most ${maxLength} characters`,
    found: `${version.length} characters, beginning with ${quote(version, 40)}`,
    fix: 'Correct the version where the document was made',
  })
}
