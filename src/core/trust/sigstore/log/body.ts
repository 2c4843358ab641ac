import { parseJson, type Json } from '#document'
import { quote } from '#error'
import type { HashName, Scheme } from '../keys/scheme.ts'
import { findScheme } from '../keys/scheme.ts'
import { fetchAgain, refuse } from '../problem.ts'

/** What a log entry says about a signature, whatever the kind of the entry. */
export interface EntryBody {
  /** Missing where the digest is of the whole envelope, which has the signature in it. */
  readonly signature?: Buffer
  /** The signer's certificate or its bare key, DER. */
  readonly verifier: { readonly kind: 'certificate' | 'publicKey'; readonly der: Buffer }
  /** The digest of what was signed, of the payload of the envelope that was, or of the envelope with its signature. */
  readonly digest: {
    readonly of: 'signed' | 'payload' | 'envelope'
    readonly hash: HashName
    readonly value: Buffer
  }
  /** How it was signed, where the log has written that down. */
  readonly scheme?: Scheme
}

type Reader = (spec: Fields) => EntryBody

/** Entries of Rekor v1 (0.0.1, 0.0.2 of `intoto`) and of Rekor v2 (0.0.2). */
const readers: Readonly<Record<string, Reader>> = {
  'hashedrekord 0.0.1': readHashedRekordV1,
  'dsse 0.0.1': readDsseV1,
  'intoto 0.0.1': readIntotoV1,
  'intoto 0.0.2': readIntotoV2,
  'hashedrekord 0.0.2': readHashedRekordV2,
  'dsse 0.0.2': readDsseV2,
}

const maxBytes = 4 * 1024 * 1024

/**
 * Reads the body of a log entry, as the log has hashed it. Fields that say nothing about the signature are not looked
 * at: the kind and version fix what the others mean.
 *
 * @throws SallyportError SIGSTORE_LOG_BODY, DOCUMENT_…
 */
export function parseBody(
  bytes: Uint8Array,
  kindVersion: { readonly kind: string; readonly version: string },
  where: string,
): EntryBody {
  const body = new Fields(parseJson(bytes, { what: where, maxBytes }), where)
  const kind = body.text('kind')
  const version = body.text('apiVersion')
  if (kind !== kindVersion.kind || version !== kindVersion.version) {
    const expected = quote(`${kindVersion.kind} ${kindVersion.version}`)
    throw unusable(where, `an entry of kind ${expected}`, quote(`${kind} ${version}`))
  }
  const name = `${kind} ${version}`
  const read = Object.hasOwn(readers, name) ? readers[name] : undefined
  if (read === undefined) {
    throw unusable(where, `one of ${Object.keys(readers).join(', ')}`, quote(name))
  }
  return read(body.inside('spec'))
}

function readHashedRekordV1(spec: Fields): EntryBody {
  const signature = spec.inside('signature')
  const hash = spec.inside('data').inside('hash')
  return {
    signature: signature.base64('content'),
    verifier: pemOf(signature.inside('publicKey').base64('content'), signature.where),
    digest: { of: 'signed', ...hexDigest(hash) },
  }
}

function readDsseV1(spec: Fields): EntryBody {
  const signature = spec.only('signatures')
  return {
    signature: signature.base64('signature'),
    verifier: pemOf(signature.base64('verifier'), signature.where),
    digest: { of: 'payload', ...hexDigest(spec.inside('payloadHash')) },
  }
}

/** What cosign wrote until 2024: the digest of the envelope as it was uploaded, and the signer's certificate. */
function readIntotoV1(spec: Fields): EntryBody {
  return {
    verifier: pemOf(spec.base64('publicKey'), spec.where),
    digest: { of: 'envelope', ...hexDigest(spec.inside('content').inside('hash')) },
  }
}

function readIntotoV2(spec: Fields): EntryBody {
  const content = spec.inside('content')
  const signature = content.inside('envelope').only('signatures')
  // Rekor encodes the signature of these entries twice.
  const encoded = signature.base64('sig').toString('latin1')
  return {
    signature: decode(encoded, `${signature.where}.sig`),
    verifier: pemOf(signature.base64('publicKey'), signature.where),
    digest: { of: 'payload', ...hexDigest(content.inside('payloadHash')) },
  }
}

function readHashedRekordV2(spec: Fields): EntryBody {
  const record = spec.inside('hashedRekordV002')
  return {
    ...signatureV2(record.inside('signature')),
    digest: { of: 'signed', ...base64Digest(record.inside('data')) },
  }
}

function readDsseV2(spec: Fields): EntryBody {
  const record = spec.inside('dsseV002')
  return {
    ...signatureV2(record.only('signatures')),
    digest: { of: 'payload', ...base64Digest(record.inside('payloadHash')) },
  }
}

function signatureV2(fields: Fields): Pick<EntryBody, 'signature' | 'verifier' | 'scheme'> {
  const verifier = fields.inside('verifier')
  const details = verifier.text('keyDetails')
  const scheme = findScheme(details)
  if (scheme === undefined) {
    throw unusable(verifier.where, 'an algorithm of the registry', quote(details, 80))
  }
  const kind = verifier.has('x509Certificate') ? 'certificate' : 'publicKey'
  const holder = verifier.inside(kind === 'certificate' ? 'x509Certificate' : 'publicKey')
  return {
    signature: fields.base64('content'),
    verifier: { kind, der: holder.base64('rawBytes') },
    scheme,
  }
}

const hashes: ReadonlyMap<string, HashName> = new Map([
  ['sha256', 'sha256'],
  ['sha384', 'sha384'],
  ['sha512', 'sha512'],
  ['SHA2_256', 'sha256'],
  ['SHA2_384', 'sha384'],
  ['SHA2_512', 'sha512'],
])

function hexDigest(fields: Fields): { readonly hash: HashName; readonly value: Buffer } {
  const text = fields.text('value')
  const value = Buffer.from(text, 'hex')
  if (value.toString('hex') === text) return { hash: hashOf(fields), value }
  throw unusable(fields.where, 'a digest in lower-case hexadecimal', quote(text, 80))
}

function base64Digest(fields: Fields): { readonly hash: HashName; readonly value: Buffer } {
  return { hash: hashOf(fields), value: fields.base64('digest') }
}

function hashOf(fields: Fields): HashName {
  const name = fields.text('algorithm')
  const hash = hashes.get(name)
  if (hash !== undefined) return hash
  throw unusable(fields.where, 'SHA-256, SHA-384 or SHA-512', quote(name, 40))
}

const blocks = [
  { kind: 'certificate', label: 'CERTIFICATE' },
  { kind: 'publicKey', label: 'PUBLIC KEY' },
] as const

/** One PEM block: Rekor v1 keeps the signer in that form. */
function pemOf(bytes: Buffer, where: string): EntryBody['verifier'] {
  const text = bytes.toString('latin1').trim()
  for (const { kind, label } of blocks) {
    const [begin, end] = [`-----BEGIN ${label}-----`, `-----END ${label}-----`]
    if (!text.startsWith(begin) || !text.endsWith(end)) continue
    const body = text.slice(begin.length, -end.length)
    if (/^[A-Za-z0-9+/=\s]+$/.test(body)) return { kind, der: Buffer.from(body, 'base64') }
  }
  throw unusable(where, 'one certificate or public key in PEM', `${bytes.length} other bytes`)
}

/** Typed access to the JSON of an entry; the place is part of every refusal. */
class Fields {
  readonly where: string
  readonly #value: { readonly [key: string]: Json }

  constructor(value: Json | undefined, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw unusable(where, 'an object', value === undefined ? 'nothing' : quote(value, 60))
    }
    this.#value = value as { readonly [key: string]: Json }
    this.where = where
  }

  has(key: string): boolean {
    return Object.hasOwn(this.#value, key)
  }

  inside(key: string): Fields {
    return new Fields(this.#get(key), `${this.where}.${key}`)
  }

  /** The one object of a list: entries with several signatures are about several signers. */
  only(key: string): Fields {
    const list = this.#get(key)
    const place = `${this.where}.${key}`
    if (Array.isArray(list) && list.length === 1) {
      return new Fields((list as readonly Json[])[0], `${place}[0]`)
    }
    throw unusable(place, 'exactly one signature', list === undefined ? 'none' : 'another number')
  }

  text(key: string): string {
    const value = this.#get(key)
    if (typeof value === 'string') return value
    throw unusable(`${this.where}.${key}`, 'a text', value === undefined ? 'nothing' : quote(value))
  }

  base64(key: string): Buffer {
    return decode(this.text(key), `${this.where}.${key}`)
  }

  #get(key: string): Json | undefined {
    return this.has(key) ? this.#value[key] : undefined
  }
}

function decode(text: string, where: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw unusable(where, 'standard base64', quote(text, 60))
}

function unusable(where: string, expected: string, found: string): Error {
  return refuse('SIGSTORE_LOG_BODY', where, expected, found, fetchAgain)
}
