import { parseEnvelope, pae, inTotoPayloadType } from '#attestation'
import { parseJson, type Json, type JsonObject } from '#document'
import { quote } from '#error'
import { readFields, readHex, readList, readMap, readText } from './fields.ts'
import type { LayoutKey, Signature } from './key.ts'
import { encodeOlpc } from './olpc.ts'
import { malformed } from './refuse.ts'

/** A layout or link with its signatures, in either envelope. Nothing has been verified. */
export interface Metadata {
  readonly type: 'layout' | 'link'
  readonly payload: JsonObject
  readonly signatures: readonly Signature[]
  /** The bytes that the signatures cover. */
  readonly signed: Uint8Array
}

const maxBytes = 16 * 1024 * 1024

/**
 * Opens the file of a layout or link: DSSE, or the older envelope with `signed` and `signatures`.
 *
 * @throws SallyportError LAYOUT_FORMAT, ATTESTATION_…, DOCUMENT_…
 */
export function openMetadata(bytes: Uint8Array, where: string): Metadata {
  const file = readMap(parseJson(bytes, { what: where, maxBytes }), where)
  if (Object.hasOwn(file, 'payload')) return openEnvelope(bytes, where)
  readFields(file, where, ['signed', 'signatures'])
  const payload = readMap(file['signed'], `${where}: signed`)
  return {
    type: typeOf(payload, where),
    payload,
    signatures: readList(file['signatures'], `${where}: signatures`, readSignature),
    signed: encodeOlpc(payload, where),
  }
}

/**
 * Whether a key, or one of its subkeys, has signed. Where two signatures name the same key the first one counts, as it
 * does for in-toto's own tools: no second one can make good what the first one is not.
 */
export function isSignedBy({ signatures, signed }: Metadata, key: LayoutKey, now: Date): boolean {
  const keys = [key, ...key.subkeys.values()]
  return keys.some((one) => {
    const signature = signatures.find(({ keyid }) => one.ids.includes(keyid))
    return signature !== undefined && one.verify(signed, signature, now)
  })
}

function openEnvelope(bytes: Uint8Array, where: string): Metadata {
  const envelope = parseEnvelope(bytes)
  if (envelope.payloadType !== inTotoPayloadType) {
    throw malformed(where, quote(inTotoPayloadType), quote(envelope.payloadType, 100))
  }
  const payload = readMap(parseJson(envelope.payload, { what: where, maxBytes }), where)
  const ids = envelope.signatures.map(({ keyid = '' }) => keyid)
  if (new Set(ids).size < ids.length) {
    throw malformed(`${where}: signatures`, 'one signature for each key', 'two for one key id')
  }
  return {
    type: typeOf(payload, where),
    payload,
    signatures: envelope.signatures.map(({ keyid = '', sig }) => ({ keyid, sig })),
    signed: pae(envelope.payloadType, envelope.payload),
  }
}

function typeOf(payload: JsonObject, where: string): 'layout' | 'link' {
  const type = payload['_type']
  if (type === 'layout' || type === 'link') return type
  throw malformed(where, '"layout" or "link" as "_type"', quote(type ?? null, 80))
}

function readSignature(value: Json | undefined, where: string): Signature {
  const object = readMap(value, where)
  const keyid = readText(object['keyid'], `${where}.keyid`)
  if (!Object.hasOwn(object, 'other_headers')) {
    readFields(object, where, ['keyid', 'sig'])
    return { keyid, sig: readHex(object['sig'], `${where}.sig`) }
  }
  readFields(object, where, ['keyid', 'signature', 'other_headers'], ['short_keyid'])
  return {
    keyid,
    sig: readHex(object['signature'], `${where}.signature`),
    otherHeaders: readHex(object['other_headers'], `${where}.other_headers`),
  }
}
