import { encodeCanonical, parseJson, type Json, type JsonObject } from '#document'
import { encodeBase64, readBytes, readSomeBytes } from './base64.ts'
import { compact, optional, readList, readName, readObject, readText, required } from './field.ts'

/** One signature of a DSSE envelope. */
export interface EnvelopeSignature {
  /** A hint that nothing protects: it may select a key, never justify one. Missing when it was empty. */
  readonly keyid?: string
  readonly sig: Uint8Array
}

/** A DSSE envelope, decoded. Its signatures have not been verified. */
export interface Envelope {
  readonly payloadType: string
  readonly payload: Uint8Array
  /** At least one. */
  readonly signatures: readonly EnvelopeSignature[]
}

const maxSignatures = 128

/**
 * Parses a DSSE v1 envelope with any number of signatures, in standard or URL-safe base64. Unknown fields are
 * ignored, as DSSE demands.
 *
 * @throws SallyportError ATTESTATION_… with the path of the field, or DOCUMENT_… when it is not strict JSON
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  return readEnvelope(parseJson(bytes, { what: 'envelope' }), 'envelope')
}

/**
 * Writes a DSSE envelope as canonical JSON with standard base64. What this writes, `parseEnvelope` reads.
 *
 * @throws SallyportError when the envelope is not one that could be read again, such as one without signatures
 */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const bytes = encodeCanonical(envelopeJson(envelope))
  parseEnvelope(bytes)
  return bytes
}

/**
 * The bytes that a DSSE signature covers: the pre-authentication encoding of payload type and payload.
 * Lengths count bytes, not characters.              https://github.com/secure-systems-lab/dsse/blob/master/protocol.md
 */
export function pae(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = Buffer.from(payloadType, 'utf8')
  const head = Buffer.from(`DSSEv1 ${type.length} ${payloadType} ${payload.length} `, 'utf8')
  const bytes = new Uint8Array(head.length + payload.length)
  bytes.set(head)
  bytes.set(payload, head.length)
  return bytes
}

export function readEnvelope(value: Json | undefined, where: string): Envelope {
  const object = readObject(value, where)
  return {
    payloadType: required(object, 'payloadType', where, readName),
    payload: required(object, 'payload', where, readBytes),
    signatures: required(object, 'signatures', where, (list, place) =>
      readList(list, place, { min: 1, max: maxSignatures }, readSignature),
    ),
  }
}

export function envelopeJson({ payloadType, payload, signatures }: Envelope): JsonObject {
  return {
    payload: encodeBase64(payload),
    payloadType,
    signatures: signatures.map(({ keyid, sig }) =>
      compact<JsonObject>({ keyid, sig: encodeBase64(sig) }),
    ),
  }
}

function readSignature(value: Json | undefined, where: string): EnvelopeSignature {
  const object = readObject(value, where)
  // DSSE: an unset keyid and an empty one are the same.
  const keyid = optional(object, 'keyid', where, readText)
  return compact<EnvelopeSignature>({
    keyid: keyid === '' ? undefined : keyid,
    sig: required(object, 'sig', where, readSomeBytes),
  })
}
