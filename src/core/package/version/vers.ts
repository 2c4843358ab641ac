import { compareVersions } from './compare.ts'

const maxLength = 65_536
const maxVersionLength = 1024

/** Which order a type of range uses. `generic` has none of its own: numbers are compared as everywhere. */
const ecosystems: Readonly<Record<string, string>> = {
  alpine: 'Alpine',
  apk: 'Alpine',
  cargo: 'crates.io',
  composer: 'Packagist',
  conan: 'ConanCenter',
  cran: 'CRAN',
  deb: 'Debian',
  gem: 'RubyGems',
  generic: 'npm',
  golang: 'Go',
  hackage: 'Hackage',
  hex: 'Hex',
  maven: 'Maven',
  npm: 'npm',
  nuget: 'NuGet',
  pub: 'Pub',
  pypi: 'PyPI',
  rpm: 'Red Hat',
  semver: 'npm',
}

interface Bound {
  readonly comparator: string
  readonly version: string
}

/**
 * Whether a version lies in a version range (`vers:npm/>=1.0.0|<2.0.0`). Undefined when the range is of a type
 * whose order is not known, or is no range.
 * https://github.com/package-url/vers-spec
 */
export function versContains(range: string, version: string): boolean | undefined {
  const [, type = '', constraints = ''] = /^vers:([a-z][a-z0-9.-]*)\/(.+)$/s.exec(range) ?? []
  const ecosystem = Object.hasOwn(ecosystems, type) ? ecosystems[type] : undefined
  const bounds = boundsOf(constraints)
  if (ecosystem === undefined || bounds === undefined || version.length > maxVersionLength) {
    return undefined
  }
  if (constraints === '*') return true
  const isSame = ({ version: bound }: Bound) => compareVersions(ecosystem, version, bound) === 0
  if (bounds.some((bound) => bound.comparator === '=' && isSame(bound))) return true
  if (bounds.some((bound) => bound.comparator === '!=' && isSame(bound))) return false
  const limits = bounds
    .filter(({ comparator }) => comparator !== '=' && comparator !== '!=')
    .sort((a, b) => compareVersions(ecosystem, a.version, b.version))
  if (limits.length === 0) return bounds.some(({ comparator }) => comparator === '!=')
  return isBetween(limits, ecosystem, version)
}

/** The parts of the axis that the limits leave: below the first, above the last, or between two of them. */
function isBetween(limits: readonly Bound[], ecosystem: string, version: string): boolean {
  const holds = (bound: Bound | undefined, direction: '<' | '>') => {
    if (bound === undefined || !bound.comparator.startsWith(direction)) return false
    const sign = compareVersions(ecosystem, version, bound.version)
    if (sign === 0) return bound.comparator.endsWith('=')
    return direction === '<' ? sign < 0 : sign > 0
  }
  if (holds(limits[0], '<') || holds(limits.at(-1), '>')) return true
  return limits.some((bound, index) => holds(bound, '>') && holds(limits[index + 1], '<'))
}

function boundsOf(constraints: string): readonly Bound[] | undefined {
  if (constraints.length > maxLength) return undefined
  const bounds: Bound[] = []
  for (const constraint of constraints.split('|')) {
    const [, comparator = '', encoded = ''] =
      /^(>=|<=|!=|<|>|=)?(.+)$/s.exec(constraint.trim()) ?? []
    const version = decoded(encoded)
    if (version === undefined || version === '' || version.length > maxVersionLength)
      return undefined
    bounds.push({ comparator: comparator === '' ? '=' : comparator, version })
  }
  return bounds
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
