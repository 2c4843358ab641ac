import {
  parseAttestation,
  parseStatement,
  splitAttestations,
  type Envelope,
  type Statement,
} from '#attestation'
import type { Config } from '#config'
import { sha256Hex } from '#document'
import { quote, SallyportError } from '#error'
import {
  attachToRegistry,
  formatReference,
  type Attached,
  type AttachedEvidence,
  type Reference,
} from '#evidence'
import { parseArtifactName } from './artifact/name.ts'
import { connect, openNetwork, type Network } from './artifact/network.ts'
import { readRegular } from './read-regular.ts'

export interface AttachOptions {
  readonly config: Config
  /** A file of attestations. */
  readonly file: string
  /** `oci://HOST/NAME@sha256:HEX` */
  readonly artifact: string
}

export interface AttachReport {
  /** `HOST/NAME@sha256:HEX` */
  readonly artifact: string
  readonly attached: readonly (Attached & {
    /** sha256 of the attestation. */
    readonly digest: string
    readonly predicateType: string
  })[]
}

const maxBytes = 32 * 1024 * 1024
const maxAttestations = 64

/** Attaches the attestations of a file to the image that they are about, so that they travel with it. */
export async function attachEvidence(options: AttachOptions): Promise<AttachReport> {
  const reference = imageWithDigest(options.artifact, 'attach to')
  const attestations = await readAttestations(options.file)
  await using network = openNetwork(options.config.evidence)
  return await attach(attestations, reference, network)
}

/** Attaches attestations, each of which must be about the image. */
export async function attach(
  attestations: readonly Uint8Array[],
  reference: Reference & { readonly digest: string },
  network: Network,
): Promise<AttachReport> {
  const artifact = formatReference(reference)
  const evidence = attestations.map((bytes) => evidenceOf(bytes, reference.digest, artifact))
  const { http, credentials } = await connect(network)
  const { registries, timeoutMs } = network.places
  const attached = await attachToRegistry(artifact, evidence, {
    registries: registries.allow ?? [reference.registry],
    http,
    ...(credentials === undefined ? {} : { credentials }),
    timeoutMs,
    signal: network.signal,
  })
  return {
    artifact,
    attached: attached.map((one, at) => ({
      ...one,
      digest: sha256Hex(evidence[at]?.bytes ?? ''),
      predicateType: evidence[at]?.annotations[predicateAnnotation] ?? '',
    })),
  }
}

/**
 * The image that a person means, by its digest: what a tag leads to may be another one by the time somebody else looks.
 *
 * @throws SallyportError EVIDENCE_REFERENCE
 */
export function imageWithDigest(
  text: string,
  verb: string,
): Reference & { readonly digest: string } {
  const name = parseArtifactName(text)
  if (name.kind === 'oci') {
    const { digest, ...rest } = name.reference
    if (digest !== undefined) return { ...rest, digest }
  }
  throw new SallyportError({
    code: 'EVIDENCE_REFERENCE',
    where: quote(text, 200),
    expected: `oci://HOST/NAME@sha256:HEX: the digest of the image to ${verb}`,
    found: quote(text, 200),
    fix:
      name.kind === 'oci'
        ? `Name the digest; \`sallyport inspect ${text}\` shows which one the tag leads to now`
        : 'Name an image in a registry by its digest',
  })
}

async function readAttestations(file: string): Promise<readonly Uint8Array[]> {
  const bytes = await readRegular(file, maxBytes).catch((cause: unknown) => {
    throw noFile(file, cause)
  })
  const parts = splitAttestations(bytes)
  if (parts.length > 0 && parts.length <= maxAttestations) return parts
  throw new SallyportError({
    code: 'NOTHING_ATTESTED',
    where: file,
    expected: `1 to ${maxAttestations} attestations`,
    found: `${parts.length}`,
    fix: `Name a file of attestations in place of ${quote(file)}`,
  })
}

function noFile(file: string, cause: unknown): SallyportError {
  const { code = 'an unknown error' } = cause as NodeJS.ErrnoException
  const isAbsent = code === 'ENOENT'
  return new SallyportError(
    {
      code: isAbsent ? 'FILE_NOT_FOUND' : 'FILE_UNREADABLE',
      where: file,
      expected: `a file of attestations of at most ${maxBytes} bytes`,
      found: isAbsent ? 'nothing there' : code,
      fix: `Correct the path ${quote(file)}`,
    },
    { cause },
  )
}

const predicateAnnotation = 'dev.sigstore.bundle.predicateType'

/** As cosign writes it, so that others find what it is without fetching it. */
function evidenceOf(bytes: Uint8Array, sha256: string, artifact: string): AttachedEvidence {
  const { mediaType, envelope } = readSigned(bytes)
  const statement = parseStatement(envelope.payload)
  if (!statement.subject.some(({ digest }) => digest?.['sha256'] === sha256)) {
    throw notAbout(statement, artifact)
  }
  const annotations = {
    'dev.sigstore.bundle.content': 'dsse-envelope',
    [predicateAnnotation]: statement.predicateType,
  }
  return { bytes, mediaType, annotations }
}

function readSigned(bytes: Uint8Array): {
  readonly mediaType: string
  readonly envelope: Envelope
} {
  const attestation = parseAttestation(bytes)
  if (attestation.kind === 'envelope') {
    return { mediaType: 'application/vnd.dsse.envelope.v1+json', envelope: attestation.envelope }
  }
  if (attestation.kind === 'bundle' && attestation.bundle.content.kind === 'dsseEnvelope') {
    const { mediaType, content } = attestation.bundle
    return { mediaType, envelope: content.envelope }
  }
  throw new SallyportError({
    code: 'ATTESTATION_UNRECOGNISED',
    where: 'attestation',
    expected: 'a Sigstore bundle or a DSSE envelope with a statement: what registries hold',
    found: `a ${attestation.kind} without one`,
    fix: 'Attach the bundle that its signer made',
  })
}

function notAbout({ subject, predicateType }: Statement, artifact: string): SallyportError {
  const named = subject.slice(0, 4).map(({ name = 'something', digest = {} }) => {
    const [[algorithm, hex] = ['no digest', '']] = Object.entries(digest)
    return `${quote(name, 100)} ${algorithm}:${hex}`
  })
  return new SallyportError({
    code: 'EVIDENCE_NOT_ABOUT',
    where: quote(predicateType, 200),
    expected: `a statement about ${artifact}`,
    found: `one about ${named.join(', ') || 'nothing'}`,
    fix: 'Attach it to the artifact that it is about',
  })
}
