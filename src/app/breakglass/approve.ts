import { readFile, writeFile } from 'node:fs/promises'
import { relative } from 'node:path'
import {
  bundleOf,
  encodeBundle,
  parseAttestation,
  parseStatement,
  predicateTypes,
  readBreakglass,
  splitAttestations,
  type Breakglass,
} from '#attestation'
import { grantOf, parseRequest, requestId, type BreakglassRequest } from '#breakglass'
import { breakglassAnnotation } from '#chokepoint'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import { createKey } from '#signer'
import { parseArtifactName } from '../artifact/name.ts'
import { openNetwork } from '../artifact/network.ts'
import { attach, imageWithDigest, type AttachReport } from '../attach.ts'
import { appendAttestation } from '../beside.ts'
import { HomeFiles } from '../init/files.ts'
import { startStatementSigner } from '../statement-signer.ts'
import { requester, verifyArtifact, type VerifyReport } from '../verify.ts'
import { grantAtGate, type AtGate, type KeptGrant } from './at-gate.ts'

export interface ApproveBreakglassOptions {
  readonly config: Config
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
  const { config, file, approver = requester(), now } = options
  const request = parseRequest(await read(file), file)
  if (approver === request.requester) throw selfApproved(file, approver)
  const statement = grantOf(request, { approver, now })
  await using signer = await startStatementSigner(config, config.keys.breakglass, {
    kind: 'breakglass',
  })
  const bytes = encodeBundle(bundleOf(await signer.sign(statement), signer.keyid))
  const output =
    options.output ?? `breakglass-${requestId(request)}.${signer.keyid.slice(0, 8)}.grant.json`
  await writeFile(output, bytes, { mode: 0o644 })
  const { expires } = readBreakglass(statement)
  const report = { request, file: output, keyid: signer.keyid, expires, digest: sha256Hex(bytes) }
  return options.at === undefined
    ? report
    : { ...report, handedIn: await handIn(options.at, bytes) }
}

async function handIn(at: AtGate, bytes: Uint8Array): Promise<GrantReport['handedIn'] & object> {
  try {
    return await grantAtGate(at, bytes)
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

export interface UseBreakglassOptions {
  /** The home of this machine; not read where a gate is named. */
  readonly config: () => Promise<Config>
  /** What the grants are for. */
  readonly artifact: string
  /** Where to hand them in, in place of beside the artifact. */
  readonly at?: AtGate
  /** Files of grants. */
  readonly grants: readonly string[]
}

export interface UseReport {
  /** Files that the grants were added to, beside the artifact. */
  readonly bundle?: string
  readonly attached?: AttachReport
  /** What the gate keeps. */
  readonly kept?: readonly KeptGrant[]
  /** What pods carry when nothing else can be reached. */
  readonly annotation: { readonly name: string; readonly value: string }
}

/** Puts grants where they will be looked for, and says what a pod has to carry instead. It lets nothing in by itself. */
export async function useBreakglass({
  config,
  artifact,
  grants,
  at,
}: UseBreakglassOptions): Promise<UseReport> {
  const files = await Promise.all(grants.map((file) => grantsIn(file)))
  const found = files.flat()
  const lines = found.map(({ bytes }) => Buffer.from(bytes).toString('utf8').trim())
  const value = Buffer.from(lines.join('\n')).toString('base64')
  const annotation = { name: breakglassAnnotation, value }
  const { kind } = parseArtifactName(artifact)
  if (at !== undefined) {
    const kept: KeptGrant[] = []
    for (const { bytes } of found) kept.push(await grantAtGate(at, bytes))
    return { kept, annotation }
  }
  if (kind === 'oci') {
    const { evidence } = await config()
    await using network = openNetwork(evidence)
    const bytes = found.map((one) => one.bytes)
    return {
      attached: await attach(bytes, imageWithDigest(artifact, 'use a grant for'), network),
      annotation,
    }
  }
  if (kind !== 'file') return { annotation }
  const bundle = `${artifact}.sigstore.jsonl`
  for (const { bytes } of found) await appendAttestation(bundle, bytes)
  return { bundle, annotation }
}

export interface ImportBreakglassOptions {
  readonly config: Config
  readonly grants: readonly string[]
  /** When the artifact was let in, where no gate could record it. */
  readonly at: Date
  readonly service?: string
}

/**
 * Records afterwards what was let in by hand while the gate was down: the decision that it would have given then, with
 * these grants, in the log as any other; and it rings. Grants that did not hold then are refused, and that is recorded.
 */
export async function importBreakglass(options: ImportBreakglassOptions): Promise<VerifyReport> {
  const { config, grants, at } = options
  const [first] = (await Promise.all(grants.map((file) => grantsIn(file)))).flat()
  if (first === undefined) throw noGrant(grants[0] ?? '')
  const { environment, service = options.service } = first.grant
  if (service === undefined) throw noService(grants[0] ?? '')
  return await verifyArtifact({
    config: { ...config, chokePoint: 'breakglass-import' },
    artifact: `sha256:${first.sha256}`,
    target: { environment, service },
    bundles: grants,
    policies: [],
    now: at,
  })
}

interface FoundGrant {
  readonly bytes: Uint8Array
  readonly grant: Breakglass
  readonly sha256: string
}

/** The grants of a file, read and not verified: verifying is for the gate. */
async function grantsIn(file: string): Promise<readonly FoundGrant[]> {
  const found = splitAttestations(await read(file)).flatMap((bytes): readonly FoundGrant[] => {
    const attestation = parseAttestation(bytes)
    const envelope =
      attestation.kind === 'envelope'
        ? attestation.envelope
        : attestation.kind === 'bundle' && attestation.bundle.content.kind === 'dsseEnvelope'
          ? attestation.bundle.content.envelope
          : undefined
    if (envelope === undefined) return []
    const statement = parseStatement(envelope.payload)
    if (statement.predicateType !== predicateTypes.breakglass) return []
    const sha256 = statement.subject[0]?.digest?.['sha256'] ?? ''
    return [{ bytes, grant: readBreakglass(statement), sha256 }]
  })
  if (found.length === 0) throw noGrant(file)
  return found
}

export interface BreakglassKeyReport {
  readonly keyid: string
  readonly publicKeyPem: string
  readonly file: string
}

/** Makes the key of one approver, in the home folder of that person. */
export async function makeBreakglassKey(config: Config): Promise<BreakglassKeyReport> {
  const { file, passphraseFile } = config.keys.breakglass
  const files = new HomeFiles(config.home)
  if (await files.has(file)) {
    throw new SallyportError({
      code: 'BREAKGLASS_KEY',
      where: file,
      expected: 'no key yet',
      found: 'one that is there',
      fix: 'Use it, or move it away and retire it in the trust file',
    })
  }
  await files.passphrase(passphraseFile)
  const made = await createKey({ algorithm: 'ecdsa-p256', file, passphraseFile })
  return { ...made, file: relative(config.home, file) }
}

const maxBytes = 1_000_000

async function read(file: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(file)
    if (bytes.length <= maxBytes) return bytes
    throw noGrant(file)
  } catch (cause) {
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: file,
        expected: 'a breakglass request, or a file of grants',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: 'Correct the path',
      },
      { cause },
    )
  }
}

function noGrant(file: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: file,
    expected: 'grants that `sallyport breakglass approve` has signed',
    found: 'none',
    fix: 'Name the file that the approver has made of the request',
  })
}

function noService(file: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: file,
    expected: 'a grant for one service, or --service',
    found: 'one for every service of its environment',
    fix: 'Say with --service what was deployed',
  })
}
