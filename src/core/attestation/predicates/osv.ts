import { isObject, type Json, type JsonObject } from '#document'
import {
  compact,
  field,
  optional,
  readList,
  readName,
  readObject,
  readText,
  refuse,
  required,
  tooMuch,
} from '../field.ts'
import { readTime } from '../time.ts'
import { maxFindings, type Finding, type Scan } from './scan-types.ts'
import { readSeverity, worstOf, type Severity } from './severity.ts'
import {
  distinct,
  objectOrNothing,
  optionalText,
  purlOrNothing,
  readItems,
  readNames,
} from './text.ts'

/** One advisory in the OSV format.                                  https://ossf.github.io/osv-schema */
export interface OsvAdvisory {
  readonly id: string
  readonly aliases: readonly string[]
  readonly modified?: string
  /** An advisory that was withdrawn speaks of nothing. */
  readonly withdrawn?: string
  readonly severity: Severity
  readonly affected: readonly OsvAffected[]
}

export interface OsvAffected {
  readonly ecosystem?: string
  readonly name?: string
  readonly purl?: string
  readonly versions: readonly string[]
  readonly ranges: readonly OsvRange[]
}

export interface OsvRange {
  readonly type: string
  readonly events: readonly OsvEvent[]
}

/** Exactly one of them says where a range begins or ends. */
export interface OsvEvent {
  readonly kind: 'introduced' | 'fixed' | 'last_affected' | 'limit'
  readonly version: string
}

const maxAffected = 10_000
const maxVersions = 100_000
const maxResults = 10_000

/** Results of osv-scanner and of the tools that write like it: `results[].packages[].vulnerabilities[]`. */
export function readOsvResults(predicate: JsonObject, where: string): Scan {
  const results = field(predicate, 'results')
  // Missing results are not empty ones: nothing was looked for.
  const findings = readList(results, `${where}.results`, { max: maxResults }, (value, place) =>
    readItems(readObject(value, place), 'packages', place, maxFindings, readPackage).flat(),
  ).flat()
  if (findings.length > maxFindings) {
    throw refuse(
      'ATTESTATION_LIMIT',
      where,
      `at most ${maxFindings} findings`,
      String(findings.length),
      'Scan fewer artifacts for one attestation',
    )
  }
  const date = optional(predicate, 'date', where, readTime)
  return compact<Scan>({ format: 'osv-results', scanner: 'osv', finishedOn: date, findings })
}

function readPackage(value: Json | undefined, where: string): readonly Finding[] {
  const object = readObject(value, where)
  const found = required(object, 'package', where, readObject)
  const place = `${where}.package`
  const name = optionalText(found, 'name', place)
  const version = optionalText(found, 'version', place)
  const ecosystem = optionalText(found, 'ecosystem', place)
  const groups = groupSeverities(object, where)
  return readItems(object, 'vulnerabilities', where, maxFindings, readOsv).map((advisory) => ({
    id: advisory.id,
    aliases: advisory.aliases,
    severity: worstOf([advisory.severity, groups.get(advisory.id) ?? 'unknown']),
    package: compact({ name, version, purl: purlOf(advisory, ecosystem, name, version) }),
    fixedIn: fixesOf(advisory, ecosystem, name),
  }))
}

/** osv-scanner rates groups of advisories that mean the same. */
function groupSeverities(object: JsonObject, where: string): ReadonlyMap<string, Severity> {
  const groups = readItems(object, 'groups', where, maxFindings, (value, place) => {
    const group = readObject(value, place)
    const severity = readSeverity(optionalText(group, 'max_severity', place) ?? '')
    return readNames(group, 'ids', place, 1_000).map((id) => [id, severity] as const)
  })
  return new Map(groups.flat())
}

/** Advisories carry the package URL without a version. */
function purlOf(
  { affected }: OsvAdvisory,
  ecosystem: string | undefined,
  name: string | undefined,
  version: string | undefined,
): string | undefined {
  const purl = affected.find((item) => item.ecosystem === ecosystem && item.name === name)?.purl
  if (purl === undefined || version === undefined || purl.includes('@')) return purl
  const [path, ...rest] = purl.split(/(?=[?#])/)
  return purlOrNothing(`${path}@${encodeURIComponent(version)}${rest.join('')}`)
}

function fixesOf(
  { affected }: OsvAdvisory,
  ecosystem: string | undefined,
  name: string | undefined,
): readonly string[] {
  const events = affected
    .filter((item) => item.ecosystem === ecosystem && item.name === name)
    .flatMap(({ ranges }) => ranges.filter(({ type }) => type !== 'GIT'))
    .flatMap((range) => range.events)
  return distinct(events.map(({ kind, version }) => (kind === 'fixed' ? version : undefined)))
}

/**
 * Reads one advisory.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field
 */
export function readOsv(value: Json | undefined, where: string): OsvAdvisory {
  const object = readObject(value, where)
  return compact<OsvAdvisory>({
    id: required(object, 'id', where, readName),
    aliases: distinct([
      ...readNames(object, 'aliases', where, 1_000),
      ...readNames(object, 'upstream', where, 1_000),
    ]),
    modified: optional(object, 'modified', where, readOsvTime),
    withdrawn: optional(object, 'withdrawn', where, readOsvTime),
    severity: osvSeverity(object, where),
    affected: readItems(object, 'affected', where, maxAffected, readAffected),
  })
}

/** Databases that are kept as YAML write a space where RFC 3339 has a T. */
function readOsvTime(value: Json | undefined, where: string): string {
  return readTime(readText(value, where).replace(' ', 'T'), where)
}

/** CVSS vectors of the advisory and of its packages; else the word that GitHub's database keeps. */
function osvSeverity(object: JsonObject, where: string): Severity {
  const rated = [object, ...objectsIn(object, 'affected')]
  const scores = rated.flatMap((holder) =>
    objectsIn(holder, 'severity').map((item) => optionalText(item, 'score', where) ?? ''),
  )
  const worst = worstOf(scores.map(readSeverity))
  if (worst !== 'unknown') return worst
  const specific = rated.map((holder) => objectOrNothing(field(holder, 'database_specific')) ?? {})
  const words = specific.map((item) => field(item, 'severity'))
  return worstOf(words.map((word) => readSeverity(typeof word === 'string' ? word : '')))
}

function objectsIn(object: JsonObject, key: string): readonly JsonObject[] {
  const value = field(object, key)
  const items: readonly Json[] = Array.isArray(value) ? value : []
  return items.filter(isObject)
}

function readAffected(value: Json | undefined, where: string): OsvAffected {
  const object = readObject(value, where)
  const found = optional(object, 'package', where, readObject) ?? {}
  const place = `${where}.package`
  return compact<OsvAffected>({
    ecosystem: optionalText(found, 'ecosystem', place),
    name: optionalText(found, 'name', place),
    purl: purlOrNothing(field(found, 'purl')),
    versions: readNames(object, 'versions', where, maxVersions),
    ranges: readItems(object, 'ranges', where, 1_000, readRange),
  })
}

function readRange(value: Json | undefined, where: string): OsvRange {
  const object = readObject(value, where)
  return {
    type: required(object, 'type', where, readName),
    events: readItems(object, 'events', where, maxVersions, readEvent),
  }
}

const eventKinds = ['introduced', 'fixed', 'last_affected', 'limit'] as const

function readEvent(value: Json | undefined, where: string): OsvEvent {
  const object = readObject(value, where)
  const kind = eventKinds.find((key) => field(object, key) !== undefined)
  const expected = `one of ${eventKinds.join(', ')}`
  if (kind === undefined) {
    throw refuse(
      'ATTESTATION_FIELD',
      where,
      expected,
      'none of them',
      `Make the advisory again with a tool that writes ${where} as ${expected}`,
    )
  }
  return { kind, version: required(object, kind, where, readVersion) }
}

/** What versions are compared by is bounded: see `compareVersions`. */
export const maxVersionLength = 1024

function readVersion(value: Json | undefined, where: string): string {
  const version = readText(value, where)
  if (version.length <= maxVersionLength) return version
  throw tooMuch(where, `at most ${maxVersionLength} characters`, version.length)
}
