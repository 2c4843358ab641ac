import type { Json, JsonObject } from '#document'
import { encodeBase64, readBytes, readSomeBytes } from './base64.ts'
import type { BundleContent, MessageDigest, MessageSignature } from './bundle-types.ts'
import { envelopeJson, readEnvelope } from './envelope.ts'
import {
  compact,
  field,
  onlyFields,
  optional,
  readObject,
  readText,
  refuse,
  required,
  wrongField,
} from './field.ts'

/** sigstore_common.proto: HashAlgorithm. */
const algorithms = {
  SHA2_256: { algorithm: 'sha256', bytes: 32 },
  SHA2_384: { algorithm: 'sha384', bytes: 48 },
  SHA2_512: { algorithm: 'sha512', bytes: 64 },
  SHA3_256: { algorithm: 'sha3_256', bytes: 32 },
  SHA3_384: { algorithm: 'sha3_384', bytes: 48 },
} as const satisfies Record<string, { algorithm: MessageDigest['algorithm']; bytes: number }>

/** Reads the one thing that a bundle carries: an envelope or a signature over the artifact. */
export function readContent(bundle: JsonObject, where: string): BundleContent {
  const envelope = field(bundle, 'dsseEnvelope')
  const signature = field(bundle, 'messageSignature')
  if ((envelope === undefined) === (signature === undefined)) {
    const expected = 'exactly one of dsseEnvelope, messageSignature'
    throw content(where, expected, envelope === undefined ? 'neither' : 'both')
  }
  return envelope === undefined
    ? readMessageSignature(signature, `${where}.messageSignature`)
    : readBundledEnvelope(envelope, `${where}.dsseEnvelope`)
}

export function contentJson(content: BundleContent): JsonObject {
  switch (content.kind) {
    case 'dsseEnvelope':
      return { dsseEnvelope: envelopeJson(content.envelope) }
    case 'messageSignature': {
      const { messageDigest, signature } = content
      const digest = messageDigest === undefined ? {} : { messageDigest: digestJson(messageDigest) }
      return { messageSignature: { ...digest, signature: encodeBase64(signature) } }
    }
  }
}

function readBundledEnvelope(value: Json, where: string): BundleContent {
  const envelope = readEnvelope(value, where)
  if (envelope.signatures.length === 1) return { kind: 'dsseEnvelope', envelope }
  // sigstore_bundle.proto: the verification material speaks about one key, so there is one signature.
  const found = `${envelope.signatures.length} signatures`
  throw content(`${where}.signatures`, 'exactly one signature', found)
}

function readMessageSignature(value: Json | undefined, where: string): MessageSignature {
  const object = readObject(value, where)
  onlyFields(object, new Set(['messageDigest', 'signature']), where)
  return compact<MessageSignature>({
    kind: 'messageSignature',
    messageDigest: optional(object, 'messageDigest', where, readMessageDigest),
    signature: required(object, 'signature', where, readSomeBytes),
  })
}

function readMessageDigest(value: Json | undefined, where: string): MessageDigest {
  const object = readObject(value, where)
  onlyFields(object, new Set(['algorithm', 'digest']), where)
  const name = required(object, 'algorithm', where, readText)
  const known = Object.entries(algorithms).find(([wire]) => wire === name)?.[1]
  const place = `${where}.algorithm`
  if (known === undefined) {
    throw wrongField(place, `one of ${Object.keys(algorithms).join(', ')}`, name)
  }
  const digest = required(object, 'digest', where, readBytes)
  if (digest.length === known.bytes) return { algorithm: known.algorithm, digest }
  throw refuse(
    'ATTESTATION_DIGEST',
    `${where}.digest`,
    `${known.bytes} bytes for ${name}`,
    `${digest.length} bytes`,
    'Get the bundle again from where the artifact was signed',
  )
}

function digestJson({ algorithm, digest }: MessageDigest): JsonObject {
  const wire = Object.entries(algorithms).find(([, known]) => known.algorithm === algorithm)?.[0]
  if (wire === undefined) throw new TypeError(`not an algorithm of Sigstore: ${algorithm}`)
  return { algorithm: wire, digest: encodeBase64(digest) }
}

function content(where: string, expected: string, found: string): Error {
  const fix =
    'Get the bundle again from where the artifact was signed; keep envelopes with several signatures as DSSE files'
  return refuse('ATTESTATION_BUNDLE_CONTENT', where, expected, found, fix)
}
