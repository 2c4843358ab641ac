import {
  inTotoPayloadType,
  parseBundle,
  parseStatement,
  type Bundle,
  type Envelope,
} from '#attestation'
import { quote, SallyportError } from '#error'
import { ArtifactDigests, messageDigestProblem, subjectProblem } from './artifact.ts'
import { thresholdProblem, verifyEvidence, type Evidence } from './evidence.ts'
import { keySigner, readCertificateSigner, type BundleSigner } from './signer.ts'
import { settleThresholds, type SettledThresholds, type SigstoreOptions } from './options.ts'
import { fetchAgain, refuse } from './problem.ts'
import { problemsOf, Report } from './report.ts'
import {
  makeVerified,
  type ProvenContent,
  type ProvenEntry,
  type ProvenTime,
  type SigstoreResult,
} from './result.ts'
import { SignedContent } from './signed-content.ts'
import { readSubjects } from './statement-subjects.ts'

/**
 * Verifies a Sigstore bundle, v0.1 to v0.3, offline: who signed (a certificate of a trusted authority, valid at every
 * trusted time and in a certificate transparency log, for an expected identity; or a known key), when (RFC 3161 time
 * stamps, signed entry timestamps), that transparency logs have it, that the signature fits, and that it is about the
 * artifact. Pure: the answer depends on the arguments alone. Nothing in a bundle makes it throw: every failure is a
 * problem of the rejection, and all of them are reported.
 *
 * @throws TypeError when the options contradict themselves
 */
export function verifySigstoreBundle(options: SigstoreOptions): SigstoreResult {
  const thresholds = settleThresholds(options)
  const report = new Report()
  let result: SigstoreResult | undefined
  try {
    const { bundle } = options
    const parsed = bundle instanceof Uint8Array ? parseBundle(bundle) : bundle
    result = verify(parsed, options, thresholds, report)
  } catch (error) {
    report.problems.push(...problemsOf(error))
  }
  const [first, ...others] = report.problems
  if (first !== undefined) return { kind: 'rejection', problems: [first, ...others] }
  if (result !== undefined) return result
  throw new TypeError('a bundle was refused without a reason')
}

function verify(
  bundle: Bundle,
  { artifact, signer: trusted }: SigstoreOptions,
  thresholds: SettledThresholds,
  report: Report,
): SigstoreResult | undefined {
  const digests = artifact === 'anyArtifactUnsafe' ? undefined : new ArtifactDigests(artifact)
  const signed = new SignedContent(bundle, digests)
  const content = report.attempt(() => readContent(bundle, digests, report))
  const signer = report.attempt(() =>
    'publicKey' in trusted
      ? keySigner(bundle, trusted)
      : readCertificateSigner(bundle, trusted, thresholds.scts),
  )
  const root = trusted.trustedRoot
  const soFar = report.problems.length
  const evidence = verifyEvidence(
    bundle,
    { content: signed, signer: signer?.entrySigner },
    root,
    report,
  )
  // False evidence is a reason of its own; that it does not count either is no second one.
  if (report.problems.length === soFar) checkThresholds(evidence, thresholds, report)
  const proven = signer && report.attempt(() => signer.prove(evidence.times, report))
  if (signer !== undefined) report.attempt(() => checkSignature(signed, signer, evidence))
  if (report.problems.length > 0 || proven === undefined || content === undefined) return undefined
  return makeVerified({
    signer: proven,
    times: evidence.times.map(provenTime),
    entries: evidence.entries.map(provenEntry),
    content,
    isBoundToArtifact: digests !== undefined,
    ignored: evidence.ignored,
  })
}

/** Reads what was signed, and compares it with the artifact. */
function readContent(
  { content }: Bundle,
  artifact: ArtifactDigests | undefined,
  report: Report,
): ProvenContent {
  if (content.kind === 'messageSignature') {
    if (artifact === undefined) {
      throw refuse(
        'SIGSTORE_ARTIFACT_DIGEST',
        'bundle.messageSignature',
        'the artifact that the signature covers',
        'any artifact',
        'Pass the artifact or its digest: a signature over it means nothing without it',
      )
    }
    const { messageDigest } = content
    if (messageDigest !== undefined) report.add(messageDigestProblem(messageDigest, artifact))
    return { kind: 'artifact' }
  }
  const { envelope } = content
  if (artifact === undefined) return readUnbound(envelope)
  if (envelope.payloadType === inTotoPayloadType) {
    const { statement, subject } = readSubjects(envelope)
    report.add(subjectProblem(subject, artifact))
    return statement === undefined
      ? { kind: 'envelope', envelope }
      : { kind: 'statement', statement, envelope }
  }
  throw refuse(
    'SIGSTORE_ARTIFACT',
    'bundle.dsseEnvelope.payloadType',
    `${quote(inTotoPayloadType)}, which names the artifact it is about`,
    quote(envelope.payloadType),
    'Pass a bundle around an in-toto statement about the artifact',
  )
}

/** Without an artifact to compare, a payload may be anything. */
function readUnbound(envelope: Envelope): ProvenContent {
  if (envelope.payloadType === inTotoPayloadType) {
    try {
      return { kind: 'statement', statement: parseStatement(envelope.payload), envelope }
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
    }
  }
  return { kind: 'envelope', envelope }
}

function checkThresholds(evidence: Evidence, needed: SettledThresholds, report: Report): void {
  const { times, entries, ignored } = evidence
  const timesBy = times.map(({ operator }) => operator)
  report.add(thresholdProblem('SIGSTORE_TIME_MISSING', needed.times, timesBy, ignored))
  const logsBy = entries.map(({ log }) => log.operator)
  report.add(thresholdProblem('SIGSTORE_LOG_MISSING', needed.logs, logsBy, ignored))
}

function checkSignature(
  signed: SignedContent,
  { entrySigner: { key } }: BundleSigner,
  { entries }: Evidence,
): void {
  const schemes = entries.flatMap(({ scheme }) => scheme ?? [])
  const answer = signed.isSignedBy(key, schemes)
  if (answer === 'yes') return
  if (answer === 'unknown') {
    throw refuse(
      'SIGSTORE_ARTIFACT_DIGEST',
      'artifact',
      `the artifact, or its digest as a ${key.kind} key signs it`,
      'other digests',
      'Pass the artifact itself, or more of its digests (sha256, sha384, sha512)',
    )
  }
  throw refuse(
    'SIGSTORE_SIGNATURE',
    'bundle',
    `the signature of the ${key.kind} key over this ${signed.envelope === undefined ? 'artifact' : 'envelope'}`,
    'a signature that does not fit',
    fetchAgain,
  )
}

function provenTime({ time, kind, source }: Evidence['times'][number]): ProvenTime {
  return { time: new Date(time), kind, source }
}

function provenEntry({
  log,
  entry,
  integratedTime,
  isProven,
}: Evidence['entries'][number]): ProvenEntry {
  const { kind, version } = entry.kindVersion
  return {
    log: log.baseUrl,
    logId: Buffer.from(entry.logId).toString('hex'),
    logIndex: entry.logIndex,
    kind: `${kind} ${version}`,
    ...(integratedTime === undefined ? {} : { integratedTime: new Date(integratedTime) }),
    isProven,
  }
}
