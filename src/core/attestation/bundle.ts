import { encodeCanonical, parseJson, type Json, type JsonObject } from '#document'
import { quote } from '#error'
import { contentJson, readContent } from './bundle-content.ts'
import type { Bundle, BundleVersion } from './bundle-types.ts'
import type { Envelope } from './envelope.ts'
import { field, onlyFields, readObject, readText, refuse } from './field.ts'
import { evidenceJson, materialJson, readEvidence, readMaterial } from './verification-material.ts'

/** The media type of the bundles that Sallyport writes. */
export const bundleMediaType = 'application/vnd.dev.sigstore.bundle.v0.3+json'

const versions: ReadonlyMap<string, BundleVersion> = new Map([
  ['application/vnd.dev.sigstore.bundle+json;version=0.1', '0.1'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.2', '0.2'],
  ['application/vnd.dev.sigstore.bundle+json;version=0.3', '0.3'],
  [bundleMediaType, '0.3'],
])

const bundleFields = new Set([
  'mediaType',
  'verificationMaterial',
  'dsseEnvelope',
  'messageSignature',
])

/**
 * Parses a Sigstore bundle v0.1, v0.2 or v0.3. Unknown fields and versions are refused: a verifier that skips
 * a field which a later version made essential would say yes too often.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field, or DOCUMENT_… when it is not strict JSON
 */
export function parseBundle(bytes: Uint8Array): Bundle {
  return readBundle(parseJson(bytes, { what: 'bundle' }), 'bundle')
}

/**
 * Writes a bundle of version 0.3 as canonical JSON. What this writes, `parseBundle` reads.
 *
 * @throws SallyportError ATTESTATION_BUNDLE_VERSION for older versions, which are only read, and
 *   ATTESTATION_BUNDLE_CONTENT for what a bundle cannot carry, such as an envelope with two signatures
 */
export function encodeBundle(bundle: Bundle): Uint8Array {
  if (bundle.version !== '0.3') {
    throw unknownVersion('bundle.mediaType', bundle.mediaType, quote(bundleMediaType))
  }
  const json: JsonObject = {
    mediaType: bundleMediaType,
    verificationMaterial: { ...materialJson(bundle.verificationMaterial), ...evidenceJson(bundle) },
    ...contentJson(bundle.content),
  }
  const bytes = encodeCanonical(json)
  parseBundle(bytes)
  return bytes
}

/**
 * A bundle v0.3 for a signature by a key that the reader already trusts; `publicKeyHint` says which. The hint
 * takes the place of the signature's `keyid`: readers written in Go skip a signature whose `keyid` is not the
 * one they make of the key.
 */
export function bundleOf(envelope: Envelope, publicKeyHint: string): Bundle {
  const signatures = envelope.signatures.map(({ sig }) => ({ sig }))
  return {
    mediaType: bundleMediaType,
    version: '0.3',
    verificationMaterial: { kind: 'publicKey', hint: publicKeyHint },
    tlogEntries: [],
    timestamps: [],
    content: { kind: 'dsseEnvelope', envelope: { ...envelope, signatures } },
  }
}

export function readBundle(value: Json, where: string): Bundle {
  const object = readObject(value, where)
  const mediaType = readText(field(object, 'mediaType'), `${where}.mediaType`)
  const version = versions.get(mediaType)
  if (version === undefined) {
    const known = [...versions.keys()].map((type) => quote(type)).join(', ')
    throw unknownVersion(`${where}.mediaType`, mediaType, `one of ${known}`)
  }
  onlyFields(object, bundleFields, where)
  const place = `${where}.verificationMaterial`
  const material = readObject(field(object, 'verificationMaterial'), place)
  return {
    mediaType,
    version,
    verificationMaterial: readMaterial(material, version, place),
    ...readEvidence(material, version, place),
    content: readContent(object, where),
  }
}

function unknownVersion(where: string, mediaType: string, expected: string): Error {
  const fix = `Make the bundle again with a tool that writes ${bundleMediaType}`
  return refuse('ATTESTATION_BUNDLE_VERSION', where, expected, quote(mediaType), fix)
}
