import { basename } from 'node:path'
import { approvalStatement, bundleOf, encodeBundle } from '#attestation'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { digestFile } from '#evidence'
import { startSigner } from '#signer'
import { appendAttestation } from './beside.ts'
import { roles } from './init/keys.ts'

export interface ApproveOptions {
  readonly config: Config
  readonly artifact: string
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
  readonly bundle: string
  /** sha256 of the attestation. */
  readonly digest: string
}

/** Signs an approval of exactly these bytes for one environment, and puts it beside the artifact. */
export async function approveArtifact(options: ApproveOptions): Promise<ApproveReport> {
  const { config, artifact, environment, reason, approver, forMilliseconds, now } = options
  const { digest } = await digestFile(artifact)
  const name = basename(artifact)
  const times = {
    approvedOn: seconds(now),
    ...(forMilliseconds === undefined
      ? {}
      : { expires: seconds(new Date(now.getTime() + forMilliseconds)) }),
  }
  const statement = approvalStatement([{ name, digest: { sha256: digest.sha256 } }], {
    environment,
    reason,
    ...(approver === undefined ? {} : { approver }),
    ...times,
  })
  const { file: keyFile, passphraseFile } = config.keys.approver
  await using signer = await startSigner({ keyFile, passphraseFile, role: roles.approver })
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  const bundle = await appendAttestation(artifact, bytes)
  return {
    artifact: { name, sha256: digest.sha256 },
    environment,
    reason,
    ...times,
    keyid: signer.keyid,
    bundle,
    digest: sha256Hex(bytes),
  }
}

/** RFC 3339, to the second: nobody approves by the millisecond. */
function seconds(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
