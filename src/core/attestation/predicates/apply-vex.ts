import { parsePurl, purlMatches, versContains, type Purl } from '#package'
import type { DigestSet } from '../digest-set.ts'
import { refuse } from '../field.ts'
import type { Finding } from './scan-types.ts'
import type {
  Vex,
  VexComponent,
  VexProduct,
  VexStatement,
  VexStatus,
  VexVersions,
} from './vex-types.ts'

/** The artifact whose findings are judged. */
export interface VexTarget {
  readonly digests: DigestSet
  /** Package URLs of the artifact. */
  readonly purls?: readonly string[]
  /** Other names of the artifact, such as links into the CycloneDX document that describes it. */
  readonly ids?: readonly string[]
  readonly version?: string
}

/** A finding with what the newest statement that is about it says; without one, nobody said anything. */
export interface JudgedFinding {
  readonly finding: Finding
  readonly status?: VexStatus
  readonly statement?: VexStatement
  readonly vex?: Vex
}

/**
 * Finds for each finding the statement that counts: it names the vulnerability or an alias of it, a product that
 * is the artifact (or the package that was found), and, if it names parts, the package that was found. Of several
 * the newest counts; of those that are as new, and of those that do not say when, the worst.
 *
 * @throws SallyportError ATTESTATION_LIMIT when there is more to compare than any real documents need
 */
export function applyVex(
  findings: readonly Finding[],
  vexes: readonly Vex[],
  target: VexTarget,
): readonly JudgedFinding[] {
  const work = new Work()
  const index = indexOf(vexes, artifactOf(target), work)
  return findings.map((finding) => judge(finding, index, work))
}

/** Whether a finding may be left out of account: it was said to be fixed, or not to affect the artifact. */
export function isSettled({ status }: JudgedFinding): boolean {
  return status === 'not_affected' || status === 'fixed'
}

/** One thing said, about the artifact as a whole or about one package in it. */
interface Said {
  readonly vex: Vex
  readonly statement: VexStatement
  readonly status: VexStatus
  readonly part?: Purl
  /** Of the part, when only some versions of it are meant. */
  readonly versions?: readonly VexVersions[]
}

/** What is said about one vulnerability. */
interface Entry {
  whole: Said | undefined
  /** By package, see `keyOf`. */
  readonly parts: Map<string, Said[]>
}

type Index = Map<string, Entry>

/** Counts steps, so that documents made for it cannot keep us busy. */
class Work {
  #steps = 0

  step(): void {
    this.#steps += 1
    if (this.#steps <= maxSteps) return
    throw refuse(
      'ATTESTATION_LIMIT',
      'VEX statements and findings',
      `at most ${maxSteps} comparisons`,
      'more',
      'Remove statements that repeat each other from the VEX documents',
    )
  }
}

const maxSteps = 5_000_000

function indexOf(vexes: readonly Vex[], artifact: Artifact, work: Work): Index {
  const index: Index = new Map()
  for (const vex of vexes) {
    for (const statement of vex.statements) {
      const names = new Set(namesOf(statement.vulnerability, statement.aliases))
      for (const product of statement.products) {
        const said = saidBy(vex, statement, product, artifact, work)
        for (const name of names) for (const one of said) add(entryOf(index, name), one, work)
      }
    }
  }
  return index
}

function entryOf(index: Index, name: string): Entry {
  const found = index.get(name)
  if (found !== undefined) return found
  const entry: Entry = { whole: undefined, parts: new Map() }
  index.set(name, entry)
  return entry
}

function add(entry: Entry, said: Keyed, work: Work): void {
  work.step()
  if (said.key === undefined) {
    if (entry.whole === undefined || counts(said, entry.whole)) entry.whole = said
    return
  }
  const others = entry.parts.get(said.key)
  if (others === undefined) entry.parts.set(said.key, [said])
  else others.push(said)
}

interface Keyed extends Said {
  readonly key: string | undefined
}

function saidBy(
  vex: Vex,
  statement: VexStatement,
  product: VexProduct,
  artifact: Artifact,
  work: Work,
): readonly Keyed[] {
  work.step()
  const { subcomponents, versions, purls } = product
  if (isArtifact(product, vex, artifact)) {
    const status = statusOf(statement.status, versions, artifact.version)
    if (status === undefined) return []
    const said = { vex, statement, status }
    return subcomponents.length === 0
      ? [{ ...said, key: undefined }]
      : subcomponents.flatMap((part) => keysOf(part).map((key) => ({ ...said, ...key })))
  }
  if (subcomponents.length > 0) return []
  // A vendor says it of the package itself, wherever it is used.
  const said = { vex, statement, status: statement.status, versions }
  return keysOf({ purls, digests: {}, ids: [] }).map((key) => ({ ...said, ...key }))
}

/** By package URL; without one, name and version are all there is. */
function keysOf({ purls, name, version }: VexComponent) {
  if (purls.length === 0 && name !== undefined) return [{ key: nameKey(name, version) }]
  return purls.map((text) => {
    const part = parsePurl(text)
    return { key: packageKey(part), part }
  })
}

function packageKey({ type, namespace, name }: Purl): string {
  return `purl ${JSON.stringify([type, namespace ?? null, name])}`
}

function nameKey(name: string, version: string | undefined): string {
  return `name ${JSON.stringify([name, version ?? null])}`
}

function judge(finding: Finding, index: Index, work: Work): JudgedFinding {
  const found = finding.package
  const purl = found?.purl === undefined ? undefined : parsePurl(found.purl)
  const keys = [
    ...(purl === undefined ? [] : [packageKey(purl)]),
    ...(found?.name === undefined ? [] : [nameKey(found.name, found.version)]),
  ]
  let best: Said | undefined
  for (const candidate of candidatesFor(finding, keys, index)) {
    work.step()
    const said = saidOf(candidate, finding, purl)
    if (said !== undefined && (best === undefined || counts(said, best))) best = said
  }
  if (best === undefined) return { finding }
  const { status, statement, vex } = best
  return { finding, status, statement, vex }
}

/** What is said about the vulnerability: of the artifact as a whole, and of the package. */
function* candidatesFor(finding: Finding, keys: readonly string[], index: Index): Iterable<Said> {
  for (const name of new Set(namesOf(finding.id, finding.aliases))) {
    const entry = index.get(name)
    if (entry?.whole !== undefined) yield entry.whole
    for (const key of keys) yield* entry?.parts.get(key) ?? []
  }
}

/** What is said about this finding; undefined when it is about another version. */
function saidOf(said: Said, finding: Finding, purl: Purl | undefined): Said | undefined {
  const { part, versions, status } = said
  if (part !== undefined && (purl === undefined || !purlMatches(part, purl))) return undefined
  const found = statusOf(status, versions ?? [], purl?.version ?? finding.package?.version)
  return found === undefined ? undefined : { ...said, status: found }
}

function namesOf(name: string, aliases: readonly string[]): readonly string[] {
  return [name, ...aliases].map((text) => text.toLowerCase())
}

interface Artifact extends VexTarget {
  readonly parsed: readonly Purl[]
}

function artifactOf(target: VexTarget): Artifact {
  return { ...target, parsed: (target.purls ?? []).map((purl) => parsePurl(purl)) }
}

function isArtifact(product: VexProduct, vex: Vex, artifact: Artifact): boolean {
  if (isOther(product, artifact)) return false
  if (product.isSubject && vex.subjects.some((digests) => shareDigest(digests, artifact.digests))) {
    return true
  }
  if (shareDigest(product.digests, artifact.digests)) return true
  if (product.ids.some((id) => artifact.ids?.includes(id) === true)) return true
  return product.purls.some((purl) => isArtifactPurl(parsePurl(purl), artifact))
}

/** Whether a digest of the product says that it is something else, whatever its other names say. */
function isOther(product: VexProduct, { digests }: Artifact): boolean {
  const stated = [product.digests, ...product.purls.map((purl) => ociDigest(parsePurl(purl)))]
  return stated.some((one) =>
    Object.entries(one).some(
      ([algorithm, digest]) => !weak.has(algorithm) && (digests[algorithm] ?? digest) !== digest,
    ),
  )
}

/** An OCI package is named by its digest, wherever it lies. */
function isArtifactPurl(pattern: Purl, { parsed, digests }: Artifact): boolean {
  return (
    parsed.some((purl) => purlMatches(pattern, purl)) || shareDigest(ociDigest(pattern), digests)
  )
}

function ociDigest({ type, version = '' }: Purl): DigestSet {
  const [, algorithm = '', digest = ''] = /^(sha256|sha512):([0-9a-f]+)$/.exec(version) ?? []
  return type === 'oci' && digest !== '' ? { [algorithm]: digest } : {}
}

/** Digests of which two things may be made that have the same one. */
const weak = new Set(['md5', 'sha1', 'ripemd160'])

/** The same digest by one algorithm that identifies, and no other digest by another. */
function shareDigest(one: DigestSet, other: DigestSet): boolean {
  const shared = Object.keys(one).filter((algorithm) => Object.hasOwn(other, algorithm))
  return (
    shared.some((algorithm) => !weak.has(algorithm)) &&
    shared.every((algorithm) => one[algorithm] === other[algorithm])
  )
}

function statusOf(
  status: VexStatus,
  versions: readonly VexVersions[],
  version: string | undefined,
): VexStatus | undefined {
  if (versions.length === 0) return status
  const statuses = versions
    .filter((entry) => isVersion(entry, version))
    .map((entry) => statusOfVersion(entry, status))
  return order.findLast((known) => statuses.includes(known))
}

function statusOfVersion({ status }: VexVersions, said: VexStatus): VexStatus {
  if (status === 'unaffected') return said === 'fixed' ? 'fixed' : 'not_affected'
  return status === 'unknown' ? 'under_investigation' : said
}

function isVersion(entry: VexVersions, version: string | undefined): boolean {
  if (version === undefined) return false
  if (entry.version !== undefined) return entry.version === version
  return entry.range !== undefined && versContains(entry.range, version) === true
}

/** From the best to the worst. */
const order: readonly VexStatus[] = ['not_affected', 'fixed', 'under_investigation', 'affected']

/** Whether a statement counts more than another one. */
function counts(candidate: Said, best: Said): boolean {
  const [newer, older] = [timeOf(candidate.statement), timeOf(best.statement)]
  if (newer !== older) return newer > older
  return order.indexOf(candidate.status) > order.indexOf(best.status)
}

/** Who does not say when is overruled by everybody who does. */
function timeOf({ timestamp }: VexStatement): number {
  return timestamp === undefined ? Number.NEGATIVE_INFINITY : Date.parse(timestamp)
}
