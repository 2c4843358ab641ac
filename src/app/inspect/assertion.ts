import {
  imageStatement,
  parseAttestation,
  parseStatement,
  jwtStatement,
  predicateTypes,
  formatOf,
  isProvenanceType,
  readApproval,
  readBreakglass,
  readProvenance,
  readRiskAcceptance,
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
      : { format: formOf(attestation), ...describe(statement) }
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

function formOf(attestation: Attestation): string {
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
    format: formOf(attestation),
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

type Meaning = Pick<Described, 'says' | 'details'>

function meaningOf(statement: Statement): Meaning {
  const { predicateType } = statement
  if (predicateType === predicateTypes.riskAcceptance) return acceptanceMeaning(statement)
  const kind = isProvenanceType(predicateType) ? 'provenance' : formatOf(predicateType)?.kind
  if (kind === 'provenance') return provenanceMeaning(statement)
  if (kind === 'approval') return approvalMeaning(statement)
  if (kind === 'breakglass') return grantMeaning(statement)
  const meaning = kind === undefined ? undefined : says[kind]
  return {
    says: meaning ?? `something of the type ${quote(predicateType)}, which no rule here reads`,
    details: [],
  }
}

const says = {
  vsa: 'somebody verified this, and this was the result',
  svr: 'somebody verified this, and this was the result',
  'test-result': 'how its tests ended',
  scan: 'which vulnerabilities a scanner has found in it',
  vex: 'which known vulnerabilities concern it',
  cyclonedx: 'what it consists of (CycloneDX)',
  spdx: 'what it consists of (SPDX)',
  'source-provenance': 'how its source came to its branch',
  release: 'that this is a release',
  link: 'what a step was given, and what it has made (in-toto link)',
  scai: 'what somebody has observed of it (SCAI)',
  reference: 'where more is said about it',
  review: 'that somebody has reviewed it',
  signature: 'that somebody has signed it',
} as const

function provenanceMeaning(statement: Statement): Meaning {
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

function grantMeaning(statement: Statement): Meaning {
  const grant = readBreakglass(statement)
  const { environment, service, rules, requester, approver, reason, incident } = grant
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['waives', rules.join(', ')],
    ['from', grant.notBefore],
    ['until', grant.expires],
    ['reason', reason],
    ['incident', incident],
    ['asked by', requester],
    ['approver', approver],
  ]
  const where = service === undefined ? environment : `${environment}/${service}`
  return { says: `in an emergency this may run in ${quote(where)}`, details: present(rows) }
}

function acceptanceMeaning(statement: Statement): Meaning {
  const accepted = readRiskAcceptance(statement)
  const { environment, service, owner, approver, reason, acceptedOn, expires } = accepted
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['owner', owner],
    ['approver', approver],
    ['reason', reason],
    ['accepted', acceptedOn],
    ['expires', expires],
  ]
  const where = service === undefined ? environment : `${environment}/${service}`
  return { says: `somebody answers for this in ${quote(where)}`, details: present(rows) }
}

function approvalMeaning(statement: Statement): Meaning {
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
