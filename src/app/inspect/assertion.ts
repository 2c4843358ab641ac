import {
  imageStatement,
  parseAttestation,
  parseStatement,
  jwtStatement,
  predicateTypes,
  isProvenanceType,
  readApproval,
  readProvenance,
  type Attestation,
  type Provenance,
  type Statement,
} from '#attestation'
import { quote, SallyportError, type Problem } from '#error'
import { recipeBuildType } from '#signer'

/** What a signature was put under, in words: never more than what is written there. */
export interface Assertion {
  readonly format: string
  readonly predicateType?: string
  /** A sentence without subject: `this was built by …`. */
  readonly says: string
  /** What it says in detail, as pairs to show in a table. */
  readonly details: readonly (readonly [string, string])[]
  readonly subjects: readonly {
    readonly name?: string
    readonly digest: Readonly<Record<string, string>>
  }[]
}

/** Reads what one attestation claims; a Problem when it cannot be read. Nothing is verified here. */
export function readAssertion(bytes: Uint8Array): Assertion | Problem {
  try {
    const attestation = parseAttestation(bytes)
    const statement = statementOf(attestation)
    return statement === undefined
      ? bareSignature(attestation)
      : { format: formatOf(attestation), ...describe(statement) }
  } catch (error) {
    // The bytes may be anybody's: what cannot be read is shown as such, beside the others.
    if (error instanceof SallyportError) return error.toJSON()
    throw error
  }
}

function statementOf(attestation: Attestation): Statement | undefined {
  switch (attestation.kind) {
    case 'jwt':
      return jwtStatement(attestation.jwt)
    case 'simple-signing':
      return imageStatement(attestation.signature)
    case 'envelope':
      return parseStatement(attestation.envelope.payload)
    case 'bundle': {
      const { content } = attestation.bundle
      return content.kind === 'dsseEnvelope' ? parseStatement(content.envelope.payload) : undefined
    }
  }
}

function formatOf(attestation: Attestation): string {
  switch (attestation.kind) {
    case 'jwt':
      return 'JWT'
    case 'simple-signing':
      return 'Simple Signing'
    case 'envelope':
      return 'DSSE envelope'
    case 'bundle':
      return `Sigstore bundle v${attestation.bundle.version}`
  }
}

function bareSignature(attestation: Attestation): Assertion {
  return {
    format: formatOf(attestation),
    says: 'nothing: somebody signed these bytes, and did not say what for',
    details: [],
    subjects: [],
  }
}

type Described = Omit<Assertion, 'format'>

function describe(statement: Statement): Described {
  const { predicateType } = statement
  const subjects = statement.subject.map(({ name, digest = {} }) => ({
    ...(name === undefined ? {} : { name }),
    digest,
  }))
  return { predicateType, subjects, ...meaningOf(statement) }
}

function meaningOf(statement: Statement): Pick<Described, 'says' | 'details'> {
  const { predicateType } = statement
  if (isProvenanceType(predicateType)) return provenanceMeaning(statement)
  if (predicateType === predicateTypes.approval) return approvalMeaning(statement)
  if (predicateType === predicateTypes.vsa) {
    return { says: 'somebody verified this, and this was the result', details: [] }
  }
  return {
    says: `something of the type ${quote(predicateType)}, which no rule here reads`,
    details: [],
  }
}

function provenanceMeaning(statement: Statement): Pick<Described, 'says' | 'details'> {
  const provenance = readProvenance(statement)
  const { source, builderId, buildType, finishedOn } = provenance
  const commit = source?.digest['gitCommit'] ?? source?.digest['sha1']
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['builder', builderId],
    ['source', source?.uri],
    ['commit', commit],
    ['ref', source?.ref],
    ['build type', buildType],
    ...chosen(provenance),
    ['inputs', String(provenance.resolvedDependencies.length)],
    ['finished', finishedOn],
  ]
  return { says: 'how, by whom and from what this was built', details: present(rows) }
}

/** What whoever asked for the build could choose: short for our own recipes, whole for everything else. */
function chosen({
  buildType,
  externalParameters,
}: Provenance): readonly (readonly [string, string])[] {
  const { recipe, parameters, ...rest } = externalParameters
  if (buildType !== recipeBuildType) return [['parameters', JSON.stringify(externalParameters)]]
  const others = Object.keys(rest).filter((name) => name !== 'source')
  return [
    ['recipe', JSON.stringify(recipe)],
    ['parameters', JSON.stringify(parameters)],
    ...others.map((name) => [name, JSON.stringify(rest[name])] as const),
  ]
}

function approvalMeaning(statement: Statement): Pick<Described, 'says' | 'details'> {
  const { environment, approver, reason, approvedOn, expires } = readApproval(statement)
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['approver', approver],
    ['reason', reason],
    ['approved', approvedOn],
    ['expires', expires],
  ]
  return { says: `this may run in ${quote(environment)}`, details: present(rows) }
}

function present(
  rows: readonly (readonly [string, string | undefined])[],
): readonly (readonly [string, string])[] {
  return rows.flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [[name, value] as const],
  )
}
