import type { BuildRecordConfig, EvidencePlaces } from '#config'
import { gradeBuild, type BuildGrade, type EvidenceItem, type EvidenceSource } from '#decision'
import type { Problem } from '#error'
import { isVerified, verifyAttestation, type Trust } from '#trust'
import { openNetwork } from '../artifact/network.ts'
import { findAttestationsAnywhere, type Pointed } from '../attestations.ts'
import { readTrust } from '../rulebook.ts'
import { readAssertion, type Assertion } from './assertion.ts'
import { inspectRecord, type InspectedRecord } from './record.ts'

export interface InspectOptions {
  /** What names an artifact (see `parseArtifactName`), or a file of attestations. */
  readonly file: string
  readonly bundles: readonly string[]
  /** Folders and stores of evidence, besides those of the configuration. */
  readonly evidence?: readonly string[]
  /** Where else evidence is looked for, and how. */
  readonly places: EvidencePlaces
  /** The trust file to compare signatures with, and the home its name is relative to; without it nothing is verified. */
  readonly trust?: { readonly path: string; readonly home: string }
  /** Whose log keeps the record of builds; without it a receipt is not verified. */
  readonly record?: BuildRecordConfig
  readonly now: Date
}

/** Who made a signature, as far as the trust file knows. That a signature is good says nothing about what it is for. */
export type Signature =
  | { readonly state: 'unchecked' }
  | {
      readonly state: 'known'
      readonly signers: readonly {
        readonly name: string
        readonly owner: string
        readonly keyid: string
      }[]
    }
  | { readonly state: 'not-believed'; readonly problems: readonly Problem[] }

export interface Inspected {
  readonly digest: string
  readonly source: string
  readonly claims: Assertion | Problem
  readonly signature: Signature
  /** Whether one of its subjects is the inspected artifact; absent when only attestations were given. */
  readonly about?: 'this artifact' | 'another artifact'
}

export interface InspectReport {
  readonly artifact?: Pointed['artifact']
  readonly trust?: { readonly file: string; readonly digest: string }
  readonly attestations: readonly Inspected[]
  /** How hard the build was to tamper with, as far as all of it shows; absent without artifact or trust file. */
  readonly build?: BuildGrade
  /** What the receipt beside the artifact says; absent when there is none. */
  readonly record?: InspectedRecord
  readonly sources: readonly EvidenceSource[]
}

/** Says what each signature on an artifact, or in a file of attestations, claims and by whom. Decides nothing. */
export async function inspect(options: InspectOptions): Promise<InspectReport> {
  const { path, home } = options.trust ?? {}
  const trust =
    path === undefined || home === undefined ? undefined : (await readTrust(path, home)).trust
  await using network = openNetwork(options.places)
  const { artifact, items, sources } = await findAttestationsAnywhere(
    options.file,
    network,
    options,
  )
  const { now, file } = options
  const about =
    artifact === undefined
      ? undefined
      : { name: artifact.name, sha256: artifact.digest['sha256'] ?? '', path: file }
  const record = about && (await inspectRecord(about, items, options.record))
  return {
    ...(record === undefined ? {} : { record }),
    ...(artifact === undefined || trust === undefined
      ? {}
      : { build: gradeBuild({ request: { artifact }, evidence: { items, sources }, trust, now }) }),
    ...(artifact === undefined ? {} : { artifact }),
    ...(trust === undefined ? {} : { trust: { file: trust.file, digest: trust.digest } }),
    attestations: items.map((item) => inspected(item, artifact?.digest, trust, now)),
    sources,
  }
}

function inspected(
  item: EvidenceItem,
  artifact: Readonly<Record<string, string>> | undefined,
  trust: Trust | undefined,
  now: Date,
): Inspected {
  const claims = readAssertion(item.bytes)
  const about =
    artifact === undefined || !('subjects' in claims) ? undefined : aboutOf(claims, artifact)
  return {
    digest: item.digest,
    source: item.source,
    claims,
    signature: trust === undefined ? { state: 'unchecked' } : signatureOf(item.bytes, trust, now),
    ...(about === undefined ? {} : { about }),
  }
}

function signatureOf(bytes: Uint8Array, trust: Trust, now: Date): Signature {
  const result = verifyAttestation(bytes, trust, now)
  if (!isVerified(result)) return { state: 'not-believed', problems: result.problems }
  const signers = result.signers.map(({ name, owner, keyid }) => ({ name, owner, keyid }))
  return { state: 'known', signers }
}

function aboutOf(
  claims: Assertion,
  artifact: Readonly<Record<string, string>>,
): Inspected['about'] {
  const same = claims.subjects.some(({ digest }) => digest['sha256'] === artifact['sha256'])
  return same ? 'this artifact' : 'another artifact'
}
