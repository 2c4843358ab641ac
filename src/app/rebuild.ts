import { predicateTypes, readProvenance, type Statement } from '#attestation'
import { propertiesOf, rebuild, type Compared, type Property, type StepEvent } from '#builder'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { openFileBlobs } from '#store'
import { isVerified, verifyAttestation, type Trust } from '#trust'
import { runStep } from '#worker'
import { findAttestations } from './attestations.ts'
import { readSignedTrust } from './rulebook.ts'

export interface RebuildArtifactOptions {
  readonly config: Config
  /** An artifact with its evidence beside it, or a file of attestations. */
  readonly file: string
  readonly bundles: readonly string[]
  readonly trust?: string
  /** Use nothing but the material store. */
  readonly offline: boolean
  readonly now: Date
  readonly onEvent?: (event: StepEvent) => void
}

export interface RebuildReport {
  readonly verdict: 'reproduced' | 'different'
  /** Who signed the provenance that was followed. */
  readonly signers: readonly string[]
  readonly outputs: readonly Compared[]
  /** Each property of the build by itself, with what it rests on. */
  readonly properties: readonly Property[]
  readonly steps: number
}

/**
 * Builds again from provenance alone, and compares. The provenance must be signed by somebody the trust file knows:
 * commands of strangers are not run, not even in a sandbox.
 */
export async function rebuildArtifact(options: RebuildArtifactOptions): Promise<RebuildReport> {
  const { config, offline, onEvent } = options
  const { trust } = await readSignedTrust(config, options.trust ?? config.trust)
  const { statement, signers } = await findProvenance(options, trust)
  const result = await rebuild(statement, {
    fetch: !offline,
    ports: {
      blobs: openFileBlobs(config.build.blobs),
      workspace: config.build.work,
      runStep,
      ...(onEvent === undefined ? {} : { onEvent }),
    },
  })
  const { verdict, outputs, steps } = result
  const properties = propertiesOf(readProvenance(statement), result)
  return { verdict, signers, outputs, properties, steps: steps.length }
}

interface Believed {
  readonly statement: Statement
  readonly signers: readonly string[]
}

async function findProvenance(
  { file, bundles, now }: RebuildArtifactOptions,
  trust: Trust,
): Promise<Believed> {
  const { artifact, items } = await findAttestations(file, bundles)
  const problems: Problem[] = []
  for (const { bytes } of items) {
    const result = verifyAttestation(bytes, trust, now)
    if (!isVerified(result)) problems.push(...result.problems)
    else if (isOf(result.value, artifact?.digest['sha256'])) {
      return { statement: result.value, signers: result.signers.map(({ name }) => name) }
    }
  }
  SallyportError.throwAll(problems)
  throw new SallyportError({
    code: 'NOTHING_ATTESTED',
    where: file,
    expected: 'SLSA provenance v1 of these bytes, beside the artifact or in the file',
    found: items.length === 0 ? 'no attestation' : `${items.length} attestations, and no such one`,
    fix: 'Build it with `sallyport build`, which writes its provenance beside it, or name a file with --bundle',
  })
}

function isOf({ predicateType, subject }: Statement, sha256: string | undefined): boolean {
  if (predicateType !== predicateTypes.slsaProvenanceV1) return false
  return sha256 === undefined || subject.some(({ digest }) => digest?.['sha256'] === sha256)
}
