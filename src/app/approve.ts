import { approvalStatement, bundleOf, encodeBundle } from '#attestation'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { parseArtifactName } from './artifact/name.ts'
import { openNetwork, type Network } from './artifact/network.ts'
import { findArtifact } from './artifact/resolve.ts'
import { attach, imageWithDigest, type AttachReport } from './attach.ts'
import { appendAttestation } from './beside.ts'
import { roles } from './init/keys.ts'
import { startStatementSigner } from './statement-signer.ts'

export interface ApproveOptions {
  readonly config: Config
  /** What names the artifact (see `parseArtifactName`); an image, by its digest. */
  readonly artifact: string
  /**
   * The file that the approval is added to. Default is where it will be looked for: beside a file; attached to an image in
   * its registry; for all else `HEX.sigstore.jsonl`, as folders of evidence have it.
   */
  readonly output?: string
  readonly environment: string
  readonly reason: string
  /** Who decided, in words; which key signed is what counts. */
  readonly approver?: string
  /** How long the approval holds; without it, for ever. */
  readonly forMilliseconds?: number
  readonly now: Date
}

export interface ApproveReport {
  readonly artifact: { readonly name: string; readonly sha256: string }
  readonly environment: string
  readonly reason: string
  readonly approvedOn: string
  readonly expires?: string
  readonly keyid: string
  /** The file the approval was added to. */
  readonly bundle?: string
  /** Where it was attached to the image. */
  readonly attached?: AttachReport
  /** sha256 of the attestation. */
  readonly digest: string
}

/** Signs an approval of exactly these bytes for one environment, and puts it where it will be looked for. */
export async function approveArtifact(options: ApproveOptions): Promise<ApproveReport> {
  const { config, environment, reason } = options
  await using network = openNetwork(config.evidence)
  const artifact = await findApproved(options, network)
  const times = timesOf(options)
  const { bytes, keyid } = await sign(options, artifact, times)
  return {
    artifact,
    environment,
    reason,
    ...times,
    keyid,
    ...(await keep(bytes, artifact.sha256, options, network)),
    digest: sha256Hex(bytes),
  }
}

/** The bytes that are approved. Of an image only a digest says which: nobody approves what a tag may lead to tomorrow. */
async function findApproved(
  { artifact: text }: ApproveOptions,
  network: Network,
): Promise<ApproveReport['artifact']> {
  if (parseArtifactName(text).kind === 'oci') {
    const { registry, repository, digest } = imageWithDigest(text, 'approve')
    return { name: `${registry}/${repository}`, sha256: digest }
  }
  const { name, digest } = await findArtifact(text, network)
  return { name, sha256: digest.sha256 }
}

function timesOf({ now, forMilliseconds }: ApproveOptions) {
  return {
    approvedOn: seconds(now),
    ...(forMilliseconds === undefined
      ? {}
      : { expires: seconds(new Date(now.getTime() + forMilliseconds)) }),
  }
}

async function sign(
  { config, environment, reason, approver }: ApproveOptions,
  { name, sha256 }: ApproveReport['artifact'],
  times: ReturnType<typeof timesOf>,
) {
  const statement = approvalStatement([{ name, digest: { sha256 } }], {
    environment,
    reason,
    ...(approver === undefined ? {} : { approver }),
    ...times,
  })
  await using signer = await startStatementSigner(config, config.keys.approver, roles.approver)
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  return { bytes, keyid: signer.keyid }
}

async function keep(
  bytes: Uint8Array,
  sha256: string,
  { artifact, output }: ApproveOptions,
  network: Network,
): Promise<Pick<ApproveReport, 'bundle' | 'attached'>> {
  const { kind } = parseArtifactName(artifact)
  if (kind === 'oci' && output === undefined) {
    return { attached: await attach([bytes], imageWithDigest(artifact, 'approve'), network) }
  }
  const file = output ?? `${kind === 'file' ? artifact : sha256}.sigstore.jsonl`
  return { bundle: await appendAttestation(file, bytes) }
}

/** RFC 3339, to the second: nobody approves by the millisecond. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
