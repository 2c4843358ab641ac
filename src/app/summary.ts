import { join, relative } from 'node:path'
import { bundleOf, encodeBundle, svrStatement, type Statement } from '#attestation'
import type { Config } from '#config'
import { vsaOf, type Decision } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { createKey } from '#signer'
import { appendAttestation } from './beside.ts'
import { HomeFiles } from './init/files.ts'
import { logEntry } from './log.ts'
import { startStatementSigner } from './statement-signer.ts'

export interface SummaryOptions {
  readonly config: Config
  /** Where the decision stands in the log. */
  readonly index: number
  readonly format: 'vsa' | 'svr'
  /** Under which URI the artifact is fetched or deployed; default is what the decision calls it, when that is a URI. */
  readonly resourceUri?: string
  /** Where the policy can be read; default is its name as a URN. */
  readonly policyUri?: string
  /** The file that the summary is added to; default `HEX.sigstore.jsonl`, as folders of evidence have it. */
  readonly output?: string
}

export interface SummaryReport {
  readonly index: number
  readonly predicateType: string
  readonly result: 'PASSED' | 'FAILED'
  readonly verifierId: string
  readonly artifact: { readonly name: string; readonly sha256: string }
  readonly file: string
  /** sha256 of the attestation. */
  readonly digest: string
}

/**
 * Signs what was decided, for others who need not verify again: an SLSA Verification Summary (VSA v1), or a Simple
 * Verification Result (SVR v0.2). Made from the log alone, so that a summary never says what was not recorded.
 */
export async function signSummary(options: SummaryOptions): Promise<SummaryReport> {
  const { config, index, output } = options
  const verifierId = verifierIdOf(config)
  const entry = await logEntry(config, index)
  if (!('decision' in entry)) throw new SallyportError(noDecision(index))
  const { decision } = entry
  const statement = statementOf(decision, verifierId, options)
  const role = { kind: 'verifier', verifierId } as const
  await using signer = await startStatementSigner(config, config.keys.verifier, role)
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  const { name, digest } = decision.request.artifact
  const sha256 = digest['sha256'] ?? ''
  return {
    index,
    predicateType: statement.predicateType,
    result: decision.verdict === 'ALLOW' ? 'PASSED' : 'FAILED',
    verifierId,
    artifact: { name, sha256 },
    file: await appendAttestation(output ?? `${sha256}.sigstore.jsonl`, bytes),
    digest: sha256Hex(bytes),
  }
}

function statementOf(
  decision: Decision,
  verifierId: string,
  { format, resourceUri, policyUri }: SummaryOptions,
): Statement {
  const { policy, request, time } = decision
  const policyAt = policyUri ?? `urn:sallyport:policy:${policy?.name ?? ''}`
  const summary = vsaOf(decision, {
    verifierId,
    policyUri: policyAt,
    resourceUri: resourceUri ?? uriOf(request.artifact.name),
  })
  if (format === 'vsa') return summary
  const levels = summary.predicate['verifiedLevels'] as readonly string[]
  return svrStatement([{ name: request.artifact.name, digest: request.artifact.digest }], {
    verifierId,
    timeCreated: time,
    // A property is what was found to hold: of what was refused none is.
    properties: decision.verdict === 'ALLOW' ? levels : [],
    policies: [{ uri: policyAt, digest: { sha256: policy?.digest ?? '' } }],
  })
}

function uriOf(name: string): string {
  if (/^[a-z][a-z0-9+.-]*:[^\s]+$/.test(name)) return name
  if (/^[^\s/]+\/[^\s]+@sha256:[0-9a-f]{64}$/.test(name)) return `oci://${name}`
  throw new SallyportError({
    code: 'SUMMARY_RESOURCE_UNNAMED',
    where: '--resource-uri',
    expected: 'the URI under which the artifact is fetched or deployed',
    found: 'a decision about a file, whose name is none',
    fix: 'Name it with --resource-uri, such as --resource-uri pkg:npm/shop@1.0.0',
  })
}

function verifierIdOf({ verifierId, file }: Config): string {
  if (verifierId !== undefined) return verifierId
  throw new SallyportError({
    code: 'CONFIG_VERIFIER',
    where: `${file} verifierId`,
    expected: 'how this place calls itself in the summaries that it signs',
    found: 'nothing',
    fix: 'Add verifierId to sallyport.yaml: a URI that is yours, such as https://example.com/verifiers/gate/v1',
  })
}

function noDecision(index: number) {
  return {
    code: 'RECORD_MALFORMED' as const,
    where: `entry ${index} of the log`,
    expected: 'a decision',
    found: 'a refusal before there was anything to decide',
    fix: 'Name the index of a decision: `sallyport log show` lists them',
  }
}

export interface VerifierKeyReport {
  readonly verifierId: string
  readonly keyid: string
  readonly publicKeyPem: string
  readonly file: string
}

/** Makes the key that signs summaries; the private half never leaves its process but encrypted. */
export async function makeVerifierKey(config: Config): Promise<VerifierKeyReport> {
  const verifierId = verifierIdOf(config)
  const { file, passphraseFile } = config.keys.verifier
  await new HomeFiles(config.home).passphrase(passphraseFile)
  const made = await createKey({ algorithm: 'ecdsa-p256', file, passphraseFile })
  return { verifierId, ...made, file: relative(config.home, join(file)) }
}
