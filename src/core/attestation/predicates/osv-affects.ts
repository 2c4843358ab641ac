import { compareVersions, isKnownEcosystem } from '#package'
import { maxVersionLength, type OsvAdvisory, type OsvAffected, type OsvEvent } from './osv.ts'

/** A package in one version, by its name in an ecosystem of OSV. */
export interface OsvPackage {
  readonly ecosystem: string
  readonly name: string
  readonly version: string
}

/**
 * Whether an advisory speaks of a package: its version is listed, or lies in a range. Undefined when that cannot
 * be told, because the advisory has ranges and the order of versions in the ecosystem is not known.
 * https://ossf.github.io/osv-schema/#evaluation
 */
export function osvAffects(advisory: OsvAdvisory, found: OsvPackage): boolean | undefined {
  if (advisory.withdrawn !== undefined) return false
  if (found.version.length > maxVersionLength) return undefined
  const answers = advisory.affected
    .filter((item) => isSamePackage(item, found))
    .map((item) => isAffected(item, found))
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}

function isSamePackage(item: OsvAffected, { ecosystem, name }: OsvPackage): boolean {
  if (item.ecosystem === undefined || item.name === undefined) return false
  const isEcosystem = item.ecosystem === ecosystem || ecosystem.startsWith(`${item.ecosystem}:`)
  return isEcosystem && nameIn(ecosystem, item.name) === nameIn(ecosystem, name)
}

/** Python's and NuGet's registries do not distinguish case, nor Python's `-`, `_` and `.`. */
function nameIn(ecosystem: string, name: string): string {
  if (ecosystem === 'PyPI') return name.toLowerCase().replace(/[-_.]+/g, '-')
  return ecosystem === 'NuGet' ? name.toLowerCase() : name
}

function isAffected(item: OsvAffected, found: OsvPackage): boolean | undefined {
  if (item.versions.includes(found.version)) return true
  const ranges = item.ranges.filter(({ type }) => type === 'SEMVER' || type === 'ECOSYSTEM')
  if (ranges.length === 0) return false
  const ecosystem = isKnownEcosystem(found.ecosystem) ? found.ecosystem : undefined
  const answers = ranges.map(({ type, events }) => {
    const order = type === 'SEMVER' && ecosystem === undefined ? 'npm' : ecosystem
    return order === undefined ? undefined : isInRange(events, order, found.version)
  })
  if (answers.includes(true)) return true
  return answers.includes(undefined) ? undefined : false
}

/** Walks through the events in the order of their versions, and says where the walk stands at this one. */
function isInRange(events: readonly OsvEvent[], ecosystem: string, version: string): boolean {
  const limits = events.filter(({ kind }) => kind === 'limit')
  const isBelowLimit =
    limits.length === 0 ||
    limits.some((limit) => limit.version === '*' || isBefore(ecosystem, version, limit.version))
  if (!isBelowLimit) return false
  let affected = false
  const sorted = [...events].sort((a, b) => compareEvents(ecosystem, a, b))
  for (const { kind, version: at } of sorted) {
    if (kind === 'introduced' && (at === '0' || !isBefore(ecosystem, version, at))) affected = true
    if (kind === 'fixed' && !isBefore(ecosystem, version, at)) affected = false
    if (kind === 'last_affected' && isBefore(ecosystem, at, version)) affected = false
  }
  return affected
}

function compareEvents(ecosystem: string, a: OsvEvent, b: OsvEvent): number {
  const isStart = (event: OsvEvent) => event.kind === 'introduced' && event.version === '0'
  if (isStart(a) || isStart(b)) return Number(isStart(b)) - Number(isStart(a))
  return compareVersions(ecosystem, a.version, b.version)
}

function isBefore(ecosystem: string, a: string, b: string): boolean {
  return compareVersions(ecosystem, a, b) < 0
}
