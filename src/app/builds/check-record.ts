import { existsSync } from 'node:fs'
import { parseAttestation, parseStatement, predicateTypes, type Envelope } from '#attestation'
import type { BuildRecordConfig } from '#config'
import type { EvidenceItem } from '#decision'
import { quote, SallyportError, type Problem } from '#error'
import { openBuildReceipt, parseBuildReceipt, type BuildRecord, type RecordedBuild } from '#log'
import { readFileBounded } from '../input.ts'

export interface CheckRecordOptions {
  /** Whose log it has to be; absent: nobody's receipts can be verified here. */
  readonly settings: BuildRecordConfig | undefined
  /** What the artifact is called, and its bytes. */
  readonly name: string
  readonly sha256: string
  /** The receipt. */
  readonly file: string
  /** What was found about the artifact. */
  readonly items: readonly EvidenceItem[]
}

/** A build that is recorded elsewhere, and whether what is here is still what was recorded. */
export interface CheckedRecord {
  readonly origin: string
  readonly index: number
  readonly record: BuildRecord
  /** BUILD_RECORD_ALTERED for everything that is not; empty when all is. */
  readonly problems: readonly Problem[]
}

/** Where the receipt lies that was made with a file. */
export function receiptBeside(file: string): string {
  return `${file}.build-record.json`
}

/**
 * Holds an artifact and its provenance against the receipt of the log that its builder does not control. Needs nobody to be
 * asked: the receipt is verified with the keys of that log.
 *
 * @throws SallyportError BUILD_RECORD_SETTINGS, BUILD_RECORD_MISSING, BUILD_RECORD_INVALID
 */
export async function checkBuildRecord(options: CheckRecordOptions): Promise<CheckedRecord> {
  const { settings, file } = options
  if (settings === undefined) throw new SallyportError(noSettings)
  if (!existsSync(file)) throw missing(options, settings)
  const { index, record } = openBuildReceipt(await readReceipt(file), settings)
  const { recorded } = record
  const problems = [
    ...artifactProblems(recorded, options),
    ...provenanceProblems(recorded, options),
  ]
  return { origin: settings.origin, index, record, problems }
}

async function readReceipt(file: string) {
  const bytes = await readFileBounded(file)
  try {
    return parseBuildReceipt(bytes)
  } catch (cause) {
    const [problem] = cause instanceof SallyportError ? cause.problems : []
    if (problem === undefined) throw cause
    throw new SallyportError(
      {
        code: 'BUILD_RECORD_INVALID',
        where: file,
        expected: 'a receipt as `sallyport build` keeps it',
        found: `${problem.where ?? ''} ${problem.found}`.trim().slice(0, 300),
        fix: 'Get the file again from where the build put it',
      },
      { cause },
    )
  }
}

function artifactProblems({ artifacts }: RecordedBuild, options: CheckRecordOptions): Problem[] {
  const { name, sha256, file } = options
  if (artifacts.some((one) => one.sha256 === sha256)) return []
  return [
    {
      code: 'BUILD_RECORD_ALTERED',
      where: name,
      expected: artifacts.map((one) => `${quote(one.name)} sha256:${one.sha256}`).join(', '),
      found: `sha256:${sha256}`,
      fix: `Deploy what was built; ${quote(file)} is the receipt of another build, or this artifact was changed after its build was recorded`,
    },
  ]
}

/** All provenance by the key of the recorded one must be the recorded one, byte for byte: nothing was added beside it, either. */
function provenanceProblems({ provenance }: RecordedBuild, options: CheckRecordOptions): Problem[] {
  const { items, name } = options
  const others = items.filter(
    ({ digest, bytes }) => digest !== provenance.sha256 && isProvenanceBy(bytes, provenance.keyid),
  )
  const isThere = items.some(({ digest }) => digest === provenance.sha256)
  if (isThere && others.length === 0) return []
  const found =
    others.length > 0
      ? others.map(({ source, digest }) => `sha256:${digest} in ${quote(source, 200)}`).join(', ')
      : `no such attestation among ${items.length}`
  return [
    {
      code: 'BUILD_RECORD_ALTERED',
      where: `provenance of ${name}`,
      expected: `sha256:${provenance.sha256} and no other by the key ${provenance.keyid.slice(0, 16)}…`,
      found: found.slice(0, 1000),
      fix: 'Find out who has changed what the builder has signed, or signed it again; the record tells when and by whom it was built',
    },
  ]
}

function isProvenanceBy(bytes: Uint8Array, keyid: string): boolean {
  try {
    const { envelope, hint } = envelopeOf(bytes) ?? {}
    if (envelope === undefined) return false
    const isBy = hint === keyid || envelope.signatures.some((one) => one.keyid === keyid)
    return (
      isBy && parseStatement(envelope.payload).predicateType === predicateTypes.slsaProvenanceV1
    )
  } catch (cause) {
    // What cannot be read is no provenance; whoever decides says what is wrong with it.
    if (cause instanceof SallyportError) return false
    throw cause
  }
}

/** What was signed, and the key that is named for it. */
function envelopeOf(
  bytes: Uint8Array,
): { readonly envelope: Envelope; readonly hint?: string } | undefined {
  const attestation = parseAttestation(bytes)
  if (attestation.kind === 'envelope') return { envelope: attestation.envelope }
  if (attestation.kind !== 'bundle') return undefined
  const { content, verificationMaterial: material } = attestation.bundle
  if (content.kind !== 'dsseEnvelope') return undefined
  const { envelope } = content
  return material.kind === 'publicKey' ? { envelope, hint: material.hint } : { envelope }
}

const noSettings = {
  code: 'BUILD_RECORD_SETTINGS',
  where: 'sallyport.yaml build.record',
  expected: 'origin and verifierKeys of the log that keeps the record of builds',
  found: 'no such section',
  fix: 'Add build.record with what `sallyport log keys` prints at the gate that keeps the record (docs/builds.md)',
} as const

function missing(
  { name, file }: CheckRecordOptions,
  { origin }: BuildRecordConfig,
): SallyportError {
  return new SallyportError({
    code: 'BUILD_RECORD_MISSING',
    where: name,
    expected: `a receipt of the log ${quote(origin)} in ${quote(file)}`,
    found: 'no such file',
    fix: 'Build it where build.record is configured, and take along what lies beside the artifact; or name the file with --build-record',
  })
}
