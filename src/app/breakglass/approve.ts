import { bundleOf, encodeBundle, readBreakglass } from '#attestation'
import { grantOf, parseRequest, requestId, type BreakglassRequest } from '#breakglass'
import { sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { namesOf, personOf } from '#trust'
import { checkPlace } from '../pipeline/ask-gate.ts'
import { requester } from '../verify.ts'
import { startApproverSigner, type ApproverKey } from './approver-key.ts'
import { grantAtGate, type AtGate, type KeptGrant } from './at-gate.ts'
import { checkFresh, writeFresh } from '../fresh-file.ts'
import { readGlassFile } from './grants.ts'

export interface ApproveBreakglassOptions {
  readonly key: ApproverKey
  /** The file of the request. */
  readonly file: string
  /** Who approves, in words; which key signs is what counts. */
  readonly approver?: string
  readonly output?: string
  /** Where to hand the grant in. */
  readonly at?: AtGate
  readonly now: Date
}

export interface GrantReport {
  readonly request: BreakglassRequest
  readonly file: string
  readonly keyid: string
  readonly expires: string
  /** sha256 of the grant. */
  readonly digest: string
  /** What the gate keeps, or why it does not have the grant: the file is there all the same. */
  readonly handedIn?: KeptGrant | { readonly problems: readonly Problem[] }
}

/**
 * Signs what was asked for, from now on, with the key of this approver. It needs no server and no network, but for a gate
 * that the grant is handed in to.
 */
export async function approveBreakglass(options: ApproveBreakglassOptions): Promise<GrantReport> {
  const { key, file, approver = requester(), now } = options
  const request = parseRequest(await readGlassFile(file), file)
  if (namesOf(request.requester).includes(personOf(approver))) throw selfApproved(file, approver)
  if (options.output !== undefined) await checkFresh(options.output)
  if (options.at !== undefined) await checkPlace(options.at.gate, options.at.env)
  const statement = grantOf(request, { approver, now })
  await using signer = await startApproverSigner(key)
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  const output =
    options.output ?? `breakglass-${requestId(request)}.${signer.keyid.slice(0, 8)}.grant.json`
  await writeFresh(output, bytes)
  const { expires } = readBreakglass(statement)
  const report = { request, file: output, keyid: signer.keyid, expires, digest: sha256Hex(bytes) }
  return options.at === undefined
    ? report
    : { ...report, handedIn: await handIn(options.at, bytes, request.artifact.sha256) }
}

async function handIn(
  at: AtGate,
  bytes: Uint8Array,
  sha256: string,
): Promise<GrantReport['handedIn'] & object> {
  try {
    return await grantAtGate(at, bytes, sha256)
  } catch (error) {
    if (error instanceof SallyportError) return { problems: error.problems }
    throw error
  }
}

function selfApproved(file: string, name: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: file,
    expected: `somebody else than ${quote(name, 200)}, who asks`,
    found: 'the same name as approver',
    fix: 'Send the request to an approver, who approves it with their own key; if you are somebody else of that name, say who with --approver NAME',
  })
}
