import { isObject, parseJson, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'
import { readBundle } from './bundle.ts'
import type { Bundle } from './bundle-types.ts'
import { isCloudBuild, readCloudBuild } from './cloud-build.ts'
import { readEnvelope, type Envelope } from './envelope.ts'
import { refuse } from './field.ts'
import { readImageSignature, simpleSigningType, type ImageSignature } from './image-signature.ts'
import { looksLikeJws, parseJwt, type Jwt } from './jwt.ts'

/** One signed statement in one of the formats that are read. Nothing here has been verified. */
export type Attestation =
  | { readonly kind: 'bundle'; readonly bundle: Bundle }
  | { readonly kind: 'envelope'; readonly envelope: Envelope }
  | { readonly kind: 'jwt'; readonly jwt: Jwt }
  | { readonly kind: 'simple-signing'; readonly signature: ImageSignature }

/**
 * Parses one attestation: a Sigstore bundle, a DSSE envelope, a JWT or a signature of an image, told apart by their shape alone.
 *
 * @throws SallyportError ATTESTATION_UNRECOGNISED, ATTESTATION_UNSIGNED, or the code of the format's parser
 */
export function parseAttestation(bytes: Uint8Array): Attestation {
  if (startsWithBrace(bytes)) return fromJson(bytes)
  if (looksLikeJws(bytes, 0, bytes.length)) return { kind: 'jwt', jwt: parseJwt(bytes) }
  const head = Buffer.from(bytes.subarray(0, 61)).toString('latin1')
  throw unrecognised(bytes.length === 0 ? 'nothing' : quote(head, 60))
}

function fromJson(bytes: Uint8Array): Attestation {
  const value = parseJson(bytes, { what: 'attestation' })
  if (!isObject(value)) throw unrecognised(quote(value, 60))
  if (value['mediaType'] === simpleSigningType) {
    return { kind: 'simple-signing', signature: readImageSignature(value) }
  }
  if (Object.hasOwn(value, 'mediaType')) {
    return { kind: 'bundle', bundle: readBundle(value, 'bundle') }
  }
  if (Object.hasOwn(value, 'payloadType')) {
    return { kind: 'envelope', envelope: readEnvelope(value, 'envelope') }
  }
  // `splitAttestations` takes such a document apart; one that is left whole says why.
  if (isCloudBuild(value)) readCloudBuild(value)
  throw Object.hasOwn(value, '_type') ? unsigned(value) : unrecognised(fieldsOf(value))
}

function startsWithBrace(bytes: Uint8Array): boolean {
  const first = bytes.find(
    (byte) => byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d,
  )
  return first === 0x7b
}

function fieldsOf(value: JsonObject): string {
  const keys = Object.keys(value).slice(0, 8)
  return keys.length === 0 ? 'an empty object' : `an object with ${quote(keys.join(', '))}`
}

function unsigned(value: JsonObject): SallyportError {
  return refuse(
    'ATTESTATION_UNSIGNED',
    'attestation',
    'a signed statement: a Sigstore bundle, a DSSE envelope or a JWT',
    `an unsigned statement of type ${quote(value['_type'], 80)}`,
    'Sign the statement with the key of whoever makes it, and pass the bundle or envelope instead',
  )
}

function unrecognised(found: string): SallyportError {
  return refuse(
    'ATTESTATION_UNRECOGNISED',
    'attestation',
    'a Sigstore bundle (mediaType), a DSSE envelope (payloadType) or a JWT (three base64url parts)',
    found,
    'Pass the signed attestation as its tool wrote it, one per line in a .jsonl file',
  )
}
