import type { DigestSet, Statement } from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import type {
  DeploymentRequest,
  EvidenceKind,
  Link,
  Outcome,
  Place,
  Search,
  Testimony,
} from '#policy'
import { isVerified, stages, type Verified } from '#trust'
import type { EvidenceSource } from './decision.ts'
import type { KnownTypes } from './known-types.ts'
import { inSource, problemOf, type Examined } from './examine.ts'
import type { Relations } from './oci/relations.ts'

/** Everything that was examined, found again by what it says. */
export interface EvidenceIndex {
  readonly request: DeploymentRequest
  readonly sources: readonly EvidenceSource[]
  /** How many records were found and not looked at. */
  readonly leftOut: number
  readonly knownTypes: KnownTypes
  readonly relations: Relations
  /** Records about this artifact, or that cannot be read, each once, in a fixed order; by predicate type. */
  readonly about: ReadonlyMap<string, readonly Examined[]>
  /** Those that cannot be read, so that nobody knows what they say. */
  readonly unreadable: readonly Examined[]
  readonly others: readonly Examined[]
  /** By the digest of a record: the index that it is about, where that is not the artifact. */
  readonly through: ReadonlyMap<string, string>
  /** Digests of records about something else that a chain led to, and that counted: filled by searching. */
  readonly reached: Set<string>
}

export function indexEvidence(
  examined: readonly Examined[],
  parts: Pick<EvidenceIndex, 'request' | 'sources' | 'leftOut' | 'knownTypes' | 'relations'>,
): EvidenceIndex {
  const about = new Map<string, Examined[]>()
  const unreadable: Examined[] = []
  const others: Examined[] = []
  const through = new Map<string, string>()
  const seen = new Set<string>()
  const inOrder = [...examined].sort((a, b) => (a.item.digest < b.item.digest ? -1 : 1))
  for (const one of inOrder) {
    if (seen.has(one.item.digest)) continue
    seen.add(one.item.digest)
    if (one.through !== undefined) through.set(one.item.digest, one.through)
    const type = one.claims?.predicateType
    if (type === undefined) unreadable.push(one)
    else if (one.subjects.length === 0) others.push(one)
    else if (about.get(type)?.push(one) === undefined) about.set(type, [one])
  }
  return { ...parts, about, unreadable, others, through, reached: new Set() }
}

/** How near a record came; the higher, the nearer. Beyond what #trust judges, records can be read, and named. */
const beyond = { malformed: 20, notNamed: 30 } as const

interface Miss {
  /** 2: about this artifact. 1: about an image that it lists. 0: about something else. */
  readonly about: 0 | 1 | 2
  /** Whether nobody knows what it says, or who says it. */
  readonly isUnreadable: boolean
  readonly stage: number
  readonly verdict: 'FAIL' | 'MISSING'
  readonly problems: readonly Problem[]
  readonly digest: string
}

/** Finds what the named signers say about the artifact, or about what a chain leads to, or explains the nearest miss. */
export function searchEvidence<T>(
  kind: EvidenceKind<T>,
  by: readonly string[],
  index: EvidenceIndex,
  place: Place,
  link?: Link,
): Search<T> {
  const isKind = isOfKind(kind)
  const candidates = link === undefined ? recordsOf(isKind, index) : linked(isKind, link, index)
  const found: Testimony<T>[] = []
  const misses: Miss[] = []
  // What is said about the artifact itself goes before what is said about an index that lists it.
  const own = candidates.filter(({ through }) => through === undefined)
  const others = candidates.filter(({ through }) => through !== undefined)
  for (const records of [own, others]) {
    for (const examined of records) {
      const result = take(examined, kind, by, place)
      if (result === undefined) continue
      if ('said' in result) found.push(result)
      else misses.push(result)
    }
    if (found.length === 0) continue
    for (const { verified } of found) index.reached.add(verified.digest)
    return { found }
  }
  const strays = link === undefined ? index.others.filter(isKind) : []
  const rest = [...index.unreadable, ...suspects(index), ...strays]
  misses.push(...rest.map((examined) => missOf(examined, index)))
  return { found, nothing: explain(kind, by, misses, { index, place, link }) }
}

function recordsOf(isKind: (one: Examined) => boolean, { about }: EvidenceIndex): Examined[] {
  return [...about.values()].flatMap((records) => records.filter(isKind))
}

/** Records that name what the chain leads to among their subjects. */
function linked(
  isKind: (one: Examined) => boolean,
  { digest }: Link,
  { about, others }: EvidenceIndex,
): Examined[] {
  return [...[...about.values()].flat(), ...others].filter(isKind).flatMap((one) => {
    const subjects = (one.claims?.subject ?? []).filter((subject) =>
      sharesDigest(subject.digest ?? {}, digest),
    )
    if (subjects.length === 0) return []
    const { through: _, ...rest } = one
    const result = one.ask()
    return [result === undefined ? { ...rest, subjects } : { ...rest, subjects, result }]
  })
}

/** One digest is the same, and none is another. Git's SHA-1 names go by two names. */
function sharesDigest(found: DigestSet, wanted: DigestSet): boolean {
  const pairs = Object.entries(wanted).flatMap(([algorithm, digest]) => {
    const names = algorithm === 'gitCommit' ? ['gitCommit', 'sha1'] : [algorithm]
    return names.filter((name) => Object.hasOwn(found, name)).map((name) => found[name] === digest)
  })
  return pairs.length > 0 && pairs.every(Boolean)
}

function take<T>(
  { item, result, subjects }: Examined,
  kind: EvidenceKind<T>,
  by: readonly string[],
  place: Place,
): Testimony<T> | Miss | undefined {
  const miss = { about: 2, isUnreadable: false, digest: item.digest, verdict: 'FAIL' } as const
  if (!isVerified(result)) {
    const problems = (result?.problems ?? []).map((problem) => inSource(problem, item))
    return { ...miss, stage: result?.stage ?? 0, problems }
  }
  const signers = result.signers.filter(({ name }) => by.includes(name))
  if (signers.length === 0) {
    // Good evidence by somebody else is not bad evidence: what is asked for is missing.
    return {
      ...miss,
      verdict: 'MISSING',
      stage: beyond.notNamed,
      problems: [notNamed(result, kind, by, place)],
    }
  }
  try {
    const said = kind.read(result.value, subjects)
    return said === undefined ? undefined : { verified: result, signers, said }
  } catch (error) {
    const problems = error instanceof SallyportError ? error.problems : [unreadable(error, kind)]
    return {
      ...miss,
      stage: beyond.malformed,
      problems: problems.map((problem) => inSource(problem, item)),
    }
  }
}

/** Records about this artifact under a type that nobody knows, and forged: the type itself may be what was changed. */
function suspects({ about, knownTypes }: EvidenceIndex): readonly Examined[] {
  return [...about]
    .filter(([type]) => !knownTypes.has(type))
    .flatMap(([, records]) => records.filter(({ result }) => !isVerified(result)))
}

function isOfKind<T>({ predicateTypes, isOf }: EvidenceKind<T>): (examined: Examined) => boolean {
  return ({ claims }) =>
    claims !== undefined &&
    (predicateTypes.has(claims.predicateType) || isOf?.(claims.predicateType) === true)
}

function missOf(examined: Examined, { knownTypes }: EvidenceIndex): Miss {
  const { result, subjects, item, problem, claims } = examined
  const stage = isVerified(result) || result === undefined ? beyond.malformed : result.stage
  const isStrange = stage <= stages.stranger
  const reason = problemOf(examined, knownTypes) ?? problem
  return {
    about: subjects.length > 0 ? 2 : problem?.code === 'EVIDENCE_OF_IMAGE' ? 1 : 0,
    isUnreadable: claims === undefined && isStrange,
    stage,
    verdict: 'FAIL',
    problems: reason === undefined ? [] : [reason],
    digest: item.digest,
  }
}

interface Looked {
  readonly index: EvidenceIndex
  readonly place: Place
  readonly link: Link | undefined
}

function explain<T>(
  kind: EvidenceKind<T>,
  by: readonly string[],
  misses: readonly Miss[],
  { index, place, link }: Looked,
): Outcome {
  const hop = `${link?.hop ?? 'artifact'} → ${kind.name}`
  const [nearest] = [...misses].sort(
    (a, b) => b.about - a.about || b.stage - a.stage || (a.digest < b.digest ? -1 : 1),
  )
  if (nearest === undefined) {
    return {
      verdict: 'MISSING',
      problems: [missing(kind, by, { index, place, link })],
      evidence: [],
      facts: [],
      hop,
    }
  }
  const note = misses.length === 1 ? '' : ` (the nearest of ${misses.length} records)`
  const told = nearest.problems.map((problem) => ({ ...problem, found: `${problem.found}${note}` }))
  // What cannot be read may have been what is asked for, or anything else: both fixes are offered.
  const isAnything = nearest.isUnreadable
  const problems = isAnything ? [...told, missing(kind, by, { index, place, link })] : told
  return { verdict: nearest.verdict, problems, evidence: [nearest.digest], facts: [], hop }
}

function missing<T>(
  kind: EvidenceKind<T>,
  by: readonly string[],
  { index: { request, sources, about, others, relations }, place, link }: Looked,
): Problem {
  const { artifact } = request
  const subject =
    link?.name ?? `${quote(artifact.name, 100)} sha256:${artifact.digest['sha256'] ?? ''}`
  const types = [...about.keys()].map((type) => quote(type, 100))
  const places = sources.slice(0, 4).map(({ name }) => quote(name.toWellFormed(), 120))
  const more = sources.length > 4 ? ` and ${sources.length - 4} more places` : ''
  const looked =
    places.length === 0
      ? 'nothing, and nowhere was looked'
      : `nothing in ${places.join(', ')}${more}`
  const [unused] = relations.unused.values()
  const odd =
    unused === undefined
      ? ''
      : `; ${unused.where} was not used (${unused.found}, not ${unused.expected})`
  const elsewhere = others.length === 0 ? '' : `; ${others.length} records are about other things`
  return {
    code: kind.missing,
    where: place.at(),
    expected: `${kind.name} of ${subject} by ${by.join(' or ')}`,
    found:
      types.length === 0
        ? `${looked}${elsewhere}${odd}`
        : `only statements of other kinds: ${types.slice(0, 4).join(', ')}${odd}`,
    fix: kind.obtain(request, by),
  }
}

function notNamed<T>(
  { signers }: Verified<Statement>,
  kind: EvidenceKind<T>,
  by: readonly string[],
  place: Place,
): Problem {
  const names = signers.map(({ name }) => name).join(', ')
  return {
    code: 'SIGNER_NOT_NAMED',
    where: place.at('by'),
    expected: `${kind.name} by ${by.join(' or ')}`,
    found: `good ${kind.name} by ${names}`,
    fix: `Have ${by.join(' or ')} make it, or, if the word of ${names} is enough here, add it at ${place.line('by')}`,
  }
}

function unreadable<T>(error: unknown, kind: EvidenceKind<T>): Problem {
  return {
    code: 'FACT_MALFORMED',
    where: kind.name,
    expected: `${kind.name} that can be read`,
    found: quote(error instanceof Error ? error.message : String(error)),
    fix: `Get the ${kind.name} again from its signer; if it is right, report this as a defect of Sallyport`,
  }
}
