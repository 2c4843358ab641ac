import { decodeText, isObject, parseJson, type Json, type JsonObject } from '#document'
import { quote } from '#error'
import { decodeBase64Url, readBytes } from './base64.ts'
import { field, optional, readList, readText, refuse } from './field.ts'

/** A compact JWS, decoded. Its signature has not been verified. */
export interface Jws {
  readonly header: JwsHeader
  readonly payload: Uint8Array
  /** The bytes that the signature covers. */
  readonly signingInput: Uint8Array
  readonly signature: Uint8Array
}

/**
 * The protected header. A key in it (`jwk`, `jku`, `x5u`) is the attacker's word and is not offered; certificates are, which
 * say nothing unless they lead to an authority that is trusted. `alg` may only be compared with what the trusted key is for.
 */
export interface JwsHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: string
  /** RFC 7515 §4.1.6: certificates in DER, that of the signer first. */
  readonly x5c?: readonly Uint8Array[]
}

/** A JSON Web Token in compact form. Its signature has not been verified. */
export interface Jwt extends Omit<Jws, 'payload'> {
  readonly claims: JsonObject
}

const maxTokenBytes = 1024 * 1024

const dot = 0x2e
const base64Url = new Set(
  Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_', 'latin1'),
)

/**
 * Whether bytes have the form of a compact JWS: three parts in base64url, the middle one possibly empty.
 * No line of a JSON document has this form.
 */
export function looksLikeJws(bytes: Uint8Array, start: number, end: number): boolean {
  const dots: number[] = []
  for (let index = start; index < end; index += 1) {
    const byte = bytes[index] ?? 0
    if (byte === dot) dots.push(index)
    else if (!base64Url.has(byte)) return false
    if (dots.length > 2) return false
  }
  const [first = start, last = end] = dots
  return dots.length === 2 && first > start && last < end - 1
}

/**
 * Parses a JSON Web Token in compact form (RFC 7519, RFC 7515 §3.1): base64url without padding, no unsigned
 * tokens (`alg: none`), no critical extensions, claims a JSON object without duplicate keys.
 *
 * @throws SallyportError ATTESTATION_JWT, ATTESTATION_BASE64, ATTESTATION_FIELD or DOCUMENT_…
 */
export function parseJwt(bytes: Uint8Array): Jwt {
  const { payload, ...rest } = parseJws(bytes)
  const claims = parseJson(payload, { what: 'jwt.claims' })
  if (isObject(claims)) return { ...rest, claims }
  throw notJwt('jwt.claims', 'a JSON object', quote(claims))
}

/** Parses a compact JWS with any payload. */
export function parseJws(bytes: Uint8Array): Jws {
  const token = decodeText(bytes, 'jwt', maxTokenBytes)
  const [head = '', body = '', tail = '', ...more] = token.split('.')
  if (head === '' || tail === '' || more.length > 0) {
    const found = `${token.split('.').length} parts, ${tail === '' ? 'no signature' : 'too many'}`
    throw notJwt('jwt', 'header.payload.signature in base64url', found)
  }
  return {
    header: readHeader(decodeBase64Url(head, 'jwt.header')),
    payload: decodeBase64Url(body, 'jwt.claims'),
    signingInput: Uint8Array.from(Buffer.from(`${head}.${body}`, 'utf8')),
    signature: decodeBase64Url(tail, 'jwt.signature'),
  }
}

function readHeader(bytes: Uint8Array): JwsHeader {
  const header = parseJson(bytes, { what: 'jwt.header', maxBytes: 65_536 })
  if (!isObject(header)) throw notJwt('jwt.header', 'a JSON object', quote(header))
  const alg = readText(field(header, 'alg'), 'jwt.header.alg')
  if (alg === '' || alg.toLowerCase() === 'none') {
    throw notJwt('jwt.header.alg', 'a signature algorithm such as "ES256"', quote(alg))
  }
  // RFC 7515 §4.1.11: what is critical and not understood refuses. None is understood; `b64` is the common one.
  if (field(header, 'crit') !== undefined) {
    throw notJwt('jwt.header.crit', 'no critical extensions', quote(header['crit'] ?? null))
  }
  const kid = field(header, 'kid')
  const typ = field(header, 'typ')
  const x5c = optional(header, 'x5c', 'jwt.header', readCertificates)
  return {
    alg,
    ...(kid === undefined ? {} : { kid: readText(kid, 'jwt.header.kid') }),
    ...(typ === undefined ? {} : { typ: readText(typ, 'jwt.header.typ') }),
    ...(x5c === undefined ? {} : { x5c }),
  }
}

/** Base64 of DER, and not base64url as everything else in a token. */
function readCertificates(value: Json | undefined, where: string): readonly Uint8Array[] {
  return readList(value, where, { min: 1, max: 8 }, readBytes)
}

function notJwt(where: string, expected: string, found: string): Error {
  const fix = 'Get the token again from its issuer, in compact form and signed'
  return refuse('ATTESTATION_JWT', where, expected, found, fix)
}
