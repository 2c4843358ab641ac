import { encodeCanonical } from '#document'
import type { Descriptor } from './manifest.ts'

/** What a layer holds, told by its media type. */
export type LayerKind = 'attestation' | 'simple-signing' | 'document' | 'other'

const attestations: ReadonlySet<string> = new Set([
  'application/vnd.dev.sigstore.bundle.v0.3+json',
  'application/vnd.dev.sigstore.bundle+json;version=0.1',
  'application/vnd.dev.sigstore.bundle+json;version=0.2',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
  'application/vnd.dsse.envelope.v1+json',
  'application/vnd.in-toto+json',
  'application/vnd.in-toto.provenance+dsse',
])
const documents =
  /^(?:text\/spdx|text\/spdx\+(?:json|xml)|application\/spdx\+json|application\/vnd\.cyclonedx(?:\+(?:json|xml))?|application\/vnd\.syft\+json)$/

export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'

export function kindOf(mediaType: string): LayerKind {
  const type = mediaType.toLowerCase().replaceAll(' ', '')
  if (attestations.has(type)) return 'attestation'
  if (type === simpleSigningType) return 'simple-signing'
  return documents.test(type) ? 'document' : 'other'
}

/** Whether a referrer of this artifact type, or of an unknown one, may hold evidence. */
export function mayHoldEvidence({ artifactType, mediaType }: Descriptor): boolean {
  if (mediaType.includes('index') || mediaType.includes('manifest.list')) return false
  if (artifactType === undefined || artifactType === '') return true
  return (
    kindOf(artifactType) !== 'other' ||
    artifactType.startsWith('application/vnd.dev.cosign.') ||
    // What the image's configuration says where a tool gave no type.
    artifactType === 'application/vnd.oci.image.config.v1+json' ||
    artifactType === 'application/vnd.oci.empty.v1+json' ||
    artifactType === 'application/vnd.unknown.config.v1+json'
  )
}

/**
 * A Simple Signing signature with all that belongs to it, in one document: the payload as it was signed, and cosign's
 * annotations (signature, certificate, chain, log entry) as they were on the layer.
 */
export function encodeSimpleSigning(payload: Uint8Array, layer: Descriptor): Uint8Array {
  const own = Object.entries(layer.annotations).filter(([key]) =>
    /^dev\.(?:cosignproject|sigstore)\.cosign\//.test(key),
  )
  return encodeCanonical({
    mediaType: simpleSigningType,
    payload: Buffer.from(payload).toString('base64'),
    annotations: Object.fromEntries(own),
  })
}
