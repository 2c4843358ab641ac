import { isProvenanceType, parseStatement, readProvenance, type Statement } from '#attestation'
import { quote, SallyportError } from '#error'
import { levelOf, provenanceKind, type DeploymentRequest } from '#policy'
import { createVerifier, isVerified, type Trust, type Verified, type Verifier } from '#trust'
import type { Evidence } from './decision.ts'
import { examineAll, type Examined } from './examine.ts'
import { withinBounds } from './flood.ts'
import { relationsOf } from './oci/relations.ts'

/** How hard a build was to tamper with, as far as its evidence shows. */
export interface BuildGrade {
  /** Of SLSA's Build track. Level 1 may rest on unsigned provenance: then it informs, and lets nothing in anywhere. */
  readonly level: 0 | 1 | 2 | 3
  /** Whether somebody of the trust file vouches for it. */
  readonly isVerified: boolean
  /** What it rests on, and what keeps it from being higher; at least one. */
  readonly because: readonly string[]
}

/**
 * Grades the build of an artifact from its evidence (SLS-01 to SLS-04): with verified provenance, the level that the trust
 * file and the provenance together allow; with provenance that nobody vouches for, level 1 for transparency; with none,
 * level 0. It is a report: rules ask for levels by themselves.
 */
export function gradeBuild(input: {
  readonly request: Pick<DeploymentRequest, 'artifact'>
  readonly evidence: Evidence
  readonly trust: Trust
  readonly now: Date
  readonly verifier?: Verifier
}): BuildGrade {
  const { trust, now } = input
  // A grade is the same wherever the artifact runs.
  const request = { ...nowhere, artifact: input.request.artifact }
  const verifier = input.verifier?.trust === trust ? input.verifier : createVerifier(trust)
  const { items, related = [] } = withinBounds(input.evidence)
  const relations = relationsOf(request.artifact.digest['sha256'] ?? '', related)
  const examined = examineAll(items, { request, relations, verifier, now })
  const grades = examined.flatMap((one) => gradeOf(one) ?? unsigned(one, request) ?? [])
  const [best] = grades.sort(
    (a, b) => b.level - a.level || Number(b.isVerified) - Number(a.isVerified),
  )
  const nothing = `no provenance about sha256:${request.artifact.digest['sha256'] ?? ''}`
  return best ?? { level: 0, isVerified: false, because: [nothing] }
}

const nowhere = { target: { environment: '', service: '' }, chokePoint: 'grade' } as const

/** Of a record about the artifact that is provenance. */
function gradeOf({ result, subjects, claims }: Examined): BuildGrade | undefined {
  if (claims === undefined || subjects.length === 0) return undefined
  if (!isProvenanceType(claims.predicateType)) return undefined
  if (isVerified(result)) return ofVerified(result, subjects)
  const [problem] = result?.problems ?? []
  const why = problem === undefined ? '' : `: ${problem.code}, found ${problem.found}`
  return { level: 1, isVerified: false, because: [`provenance that nobody vouches for${why}`] }
}

function ofVerified(
  verified: Verified<Statement>,
  subjects: Examined['subjects'],
): BuildGrade | undefined {
  try {
    const said = provenanceKind.read(verified.value, subjects)
    if (said === undefined) return undefined
    const { level, limit } = levelOf({ verified, signers: verified.signers, said })
    return { level: atMost3(level), isVerified: true, because: [limit] }
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    const because = [`provenance that cannot be read: ${error.problems[0]?.found ?? ''}`]
    return { level: 0, isVerified: false, because }
  }
}

/** SLS-02: complete provenance is worth something to a reader, even if anybody could have written it. */
function unsigned({ item, claims }: Examined, { artifact }: Pick<DeploymentRequest, 'artifact'>) {
  const statement = claims === undefined ? statementIn(item.bytes) : undefined
  if (statement === undefined || !isProvenanceType(statement.predicateType)) return undefined
  const sha256 = artifact.digest['sha256']
  if (!statement.subject.some(({ digest }) => digest?.['sha256'] === sha256)) return undefined
  try {
    const { builderId } = readProvenance(statement)
    const because = [`unsigned provenance of ${quote(builderId)}: anybody could have written it`]
    return { level: 1, isVerified: false, because } as const
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function statementIn(bytes: Uint8Array): Statement | undefined {
  try {
    return parseStatement(bytes)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

function atMost3(level: number): BuildGrade['level'] {
  if (level >= 3) return 3
  if (level === 2) return 2
  return level === 1 ? 1 : 0
}
