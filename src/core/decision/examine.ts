import type { DigestSet, ResourceDescriptor, Statement } from '#attestation'
import { cut } from '#document'
import { quote, type Problem } from '#error'
import type { DeploymentRequest } from '#policy'
import {
  isVerified,
  type Rejection,
  type UnverifiedClaims,
  type Verified,
  type Verifier,
} from '#trust'
import type { EvidenceItem, EvidenceResult } from './decision.ts'
import type { KnownTypes } from './known-types.ts'
import { showListed } from './oci/read-index.ts'
import { imagesOf, type Relations } from './oci/relations.ts'

/** One piece of evidence, looked at for one decision. */
export interface Examined {
  readonly item: EvidenceItem
  /** What it says, not verified; missing when it cannot be read. */
  readonly claims?: UnverifiedClaims
  /** Its subjects that are this artifact, or the index `through`; none when it is about something else. */
  readonly subjects: readonly ResourceDescriptor[]
  /** The index that lists the artifact, where the record is about that: `index sha256:…`. */
  readonly through?: string
  /** The answer of #trust; missing when it was not asked, because the record is about something else. */
  readonly result?: Verified<Statement> | Rejection
  /** The answer of #trust, asked when it is needed: of a record about something else that a chain leads to. */
  readonly ask: () => Verified<Statement> | Rejection | undefined
  /** Why it is not evidence about this artifact, where that is not for #trust to say. */
  readonly problem?: Problem
}

/** So many records about other things are verified, to tell a swapped record from a forged one in a refusal. */
const verifiedOthers = 16

/**
 * Looks at every piece of evidence. Signatures are checked of what is about this artifact; of what is not, only for the
 * first few, because nothing follows from them but a better explanation.
 */
export function examineAll(
  items: readonly EvidenceItem[],
  { request, relations, verifier, now, identifiers = strong }: Question,
): readonly Examined[] {
  let others = 0
  return items.map((item) => {
    const opened = verifier.open(item.bytes)
    const { claims } = opened
    if (opened.digest !== item.digest) {
      const problem = otherDigest(item, opened.digest)
      return { item, subjects: [], problem, ask: () => undefined }
    }
    const about = subjectsOf(claims?.subject ?? [], { request, relations, identifiers })
    if (about.subjects.length > 0 || claims === undefined) {
      const result = opened.verify(now)
      return {
        item,
        ...about,
        ...(claims === undefined ? {} : { claims }),
        result,
        ask: () => result,
      }
    }
    others += 1
    const isChecked = others <= verifiedOthers
    const problem = otherArtifact(item, claims, { request, relations }, isChecked)
    const found = { item, claims, ...about, problem, ask: () => opened.verify(now) }
    return isChecked ? { ...found, result: opened.verify(now) } : found
  })
}

/** What records are looked at for. */
export interface Question {
  readonly request: DeploymentRequest
  readonly relations: Relations
  readonly verifier: Verifier
  readonly now: Date
  /** What names an artifact for certain: strong digests, and what the policy adds to them. */
  readonly identifiers?: readonly string[]
}

/** What is said about the artifact itself goes before what is said about an index that lists it. */
function subjectsOf(
  subject: readonly ResourceDescriptor[],
  {
    request: { artifact },
    relations: { listedBy },
    identifiers,
  }: Required<Pick<Question, 'request' | 'relations' | 'identifiers'>>,
): Pick<Examined, 'subjects' | 'through'> {
  const own = subject.filter(({ digest = {} }) => isSame(digest, artifact.digest, identifiers))
  if (own.length > 0) return { subjects: own }
  for (const index of listedBy) {
    const subjects = subject.filter(({ digest = {} }) =>
      isSame(digest, { sha256: index.digest }, strong),
    )
    if (subjects.length > 0) return { subjects, through: `index sha256:${index.digest}` }
  }
  return { subjects: [] }
}

/** Algorithms by which an artifact is known for certain. npm writes SHA-512 only. */
export const strong: readonly string[] = ['sha256', 'sha384', 'sha512']

/** in-toto's rule for digest sets: an identifier in common that agrees, and none in common that contradicts. */
function isSame(found: DigestSet, wanted: DigestSet, identifiers: readonly string[]): boolean {
  const isKnown = identifiers.some(
    (name) => found[name] !== undefined && found[name] === wanted[name],
  )
  if (!isKnown) return false
  return Object.entries(found).every(
    ([algorithm, digest]) => !Object.hasOwn(wanted, algorithm) || wanted[algorithm] === digest,
  )
}

/** What the decision tells about a piece of evidence. */
export function resultOf(
  examined: Examined,
  knownTypes: KnownTypes,
  reached: ReadonlySet<string>,
): EvidenceResult {
  const { item, claims, subjects, through } = examined
  const isReached = reached.has(item.digest)
  const result = isReached ? examined.ask() : examined.result
  const isGood = isVerified(result)
  const verified = isGood && (subjects.length > 0 || isReached)
  const problem = isReached && isGood ? undefined : problemOf(examined, knownTypes)
  return {
    digest: item.digest.toWellFormed(),
    source: item.source.toWellFormed(),
    verified,
    ...(through === undefined ? {} : { about: through }),
    ...(claims === undefined ? {} : { predicateType: cut(claims.predicateType, 500) }),
    ...(isGood ? { signers: result.signers.map(({ name }) => name) } : {}),
    ...(problem === undefined ? {} : { problem }),
  }
}

/** Why a piece of evidence does not count; the forged before the swapped, because it is worse. */
export function problemOf(
  { item, claims, result, problem }: Examined,
  knownTypes: KnownTypes,
): Problem | undefined {
  if (result !== undefined && !isVerified(result)) return inSource(result.problems[0], item)
  if (problem !== undefined) return problem
  if (claims === undefined || knownTypes.has(claims.predicateType)) return undefined
  return {
    code: 'EVIDENCE_KIND_UNKNOWN',
    where: sourceOf(item),
    expected: `a predicate type that some rule understands: of ${knownTypes.names.join(', ')}`,
    found: `${quote(claims.predicateType)}, which no rule understands: it is kept, shown, and counts for nothing`,
    fix: 'Remove it if it was meant to be something else; otherwise leave it',
  }
}

/** A problem of #trust, told with the place where the evidence was found. */
export function inSource(problem: Problem, item: EvidenceItem): Problem {
  const { where } = problem
  // Places in the trust file stand as they are; those within the attestation need the file they are in.
  if (where !== undefined && /:\d+:\d+$/.test(where)) return problem
  return { ...problem, where: where === undefined ? sourceOf(item) : `${sourceOf(item)} ${where}` }
}

export function sourceOf({ source }: EvidenceItem): string {
  return source.toWellFormed()
}

function otherDigest(item: EvidenceItem, found: string): Problem {
  return {
    code: 'EVIDENCE_DIGEST',
    where: sourceOf(item),
    expected: `bytes with sha256 ${quote(item.digest, 80)}`,
    found: `sha256 ${found}`,
    fix: 'Get the evidence again: it was changed between being found and being looked at',
  }
}

function otherArtifact(
  item: EvidenceItem,
  { subject }: UnverifiedClaims,
  { request, relations }: Pick<Question, 'request' | 'relations'>,
  isChecked: boolean,
): Problem {
  const { artifact } = request
  const digests = subject.flatMap(({ digest }) => digest?.['sha256'] ?? [])
  const unused = digests.flatMap((digest) => relations.unused.get(digest) ?? [])[0]
  if (unused !== undefined) return inSource(unused, item)
  const image =
    relations.own && imagesOf(relations.own).find(({ digest }) => digests.includes(digest))
  if (relations.own !== undefined && image !== undefined) {
    const others = imagesOf(relations.own).length
    return {
      code: 'EVIDENCE_OF_IMAGE',
      where: sourceOf(item),
      expected: `a statement about the index ${quote(artifact.name, 100)} sha256:${relations.own.digest}`,
      found: `one about ${showListed(image)}, which is one of the ${others} images that it lists`,
      fix: 'Deploy that image by its own digest, or have the index signed as well; if every image has its own evidence and that is enough, write `multiPlatform: images` in the policy',
    }
  }
  const shown = subject.slice(0, 3).map(({ name, uri, digest = {} }) => {
    const [algorithm = 'no digest', value = ''] =
      digest['sha256'] === undefined
        ? (Object.entries(digest)[0] ?? [])
        : ['sha256', digest['sha256']]
    const label = name ?? uri
    return `${label === undefined ? '' : `${quote(label, 80)} `}${algorithm}:${cut(value, 64)}`
  })
  const more = subject.length > 3 ? ` and ${subject.length - 3} more` : ''
  const isIndex = digests.some((digest) => relations.all.has(digest))
  const note = isIndex ? ' (an index, which does not list the artifact)' : ''
  return {
    code: 'EVIDENCE_OTHER_ARTIFACT',
    where: sourceOf(item),
    expected: `a statement about ${quote(artifact.name, 100)} sha256:${artifact.digest['sha256'] ?? ''}`,
    found: `one about ${shown.join(', ')}${more}${note}${isChecked ? '' : ' (its signature was not checked, because it is about something else)'}`,
    fix: `Pass the evidence that was made for these very bytes; if the artifact was built again since, pass what that build wrote`,
  }
}
