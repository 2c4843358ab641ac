import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'
import {
  bundleOf,
  encodeBundle,
  encodeEnvelope,
  inTotoPayloadType,
  pae,
  predicateTypes,
  type Envelope,
  type Statement,
} from '#attestation'
import { encodeCanonical, sha256Hex, type Json, type JsonObject } from '#document'
import type { Scheme } from '../index.ts'

/** A key pair made for tests. */
export interface TestKey {
  readonly scheme: Scheme
  readonly keyid: string
  readonly publicPem: string
  readonly privateKey: KeyObject
}

export function makeKey(scheme: Scheme = 'ecdsa-p256-sha256'): TestKey {
  const { publicKey, privateKey } = generate(scheme)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return {
    scheme,
    keyid: sha256Hex(der),
    publicPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
    privateKey,
  }
}

function generate(scheme: Scheme): { publicKey: KeyObject; privateKey: KeyObject } {
  switch (scheme) {
    case 'ecdsa-p256-sha256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' })
    case 'ecdsa-p384-sha384':
      return generateKeyPairSync('ec', { namedCurve: 'P-384' })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'ml-dsa-44':
      return generateKeyPairSync('ml-dsa-44')
    case 'rsa-pss-sha256':
    case 'rsa-pkcs1v15-sha256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 })
  }
}

export function signBytes(key: TestKey, data: Uint8Array, format: 'dsse' | 'jws'): Uint8Array {
  switch (key.scheme) {
    case 'ecdsa-p256-sha256':
      return sign('sha256', data, { key: key.privateKey, dsaEncoding: encodingOf(format) })
    case 'ecdsa-p384-sha384':
      return sign('sha384', data, { key: key.privateKey, dsaEncoding: encodingOf(format) })
    case 'ed25519':
    case 'ml-dsa-44':
      return sign(null, data, key.privateKey)
    case 'rsa-pss-sha256':
      return sign('sha256', data, { key: key.privateKey, padding: 6, saltLength: 32 })
    case 'rsa-pkcs1v15-sha256':
      return sign('sha256', data, key.privateKey)
  }
}

function encodingOf(format: 'dsse' | 'jws'): 'der' | 'ieee-p1363' {
  return format === 'dsse' ? 'der' : 'ieee-p1363'
}

export interface EnvelopeOptions {
  readonly payloadType?: string
  /** The key id written beside each signature; default is each key's own. */
  readonly keyid?: string | null
}

/** A DSSE envelope over any JSON, however wrong it is. */
export function sealed(
  payload: Json | Uint8Array,
  keys: readonly TestKey[],
  options: EnvelopeOptions = {},
): Envelope {
  const bytes = payload instanceof Uint8Array ? payload : encodeCanonical(payload)
  const payloadType = options.payloadType ?? inTotoPayloadType
  return {
    payloadType,
    payload: bytes,
    signatures: keys.map((key) => {
      const sig = signBytes(key, pae(payloadType, bytes), 'dsse')
      const keyid = options.keyid === undefined ? key.keyid : options.keyid
      return keyid === null ? { sig } : { keyid, sig }
    }),
  }
}

export function envelopeBytes(
  statement: Json | Statement,
  keys: readonly TestKey[],
  options: EnvelopeOptions = {},
): Uint8Array {
  return encodeEnvelope(sealed(statement as unknown as Json, keys, options))
}

export function bundleBytes(
  statement: Json | Statement,
  key: TestKey,
  hint = key.keyid,
): Uint8Array {
  return encodeBundle(bundleOf(sealed(statement as unknown as Json, [key], { keyid: null }), hint))
}

export interface JwtOptions {
  readonly header?: JsonObject
  /** Signs in the place of the key. */
  readonly signature?: (input: Uint8Array) => Uint8Array
}

export function jwtBytes(claims: JsonObject, key: TestKey, options: JwtOptions = {}): Uint8Array {
  const header = { alg: jwtAlgorithms[key.scheme] ?? '', typ: 'JWT', ...options.header }
  const input = `${base64url(encodeCanonical(header))}.${base64url(encodeCanonical(claims))}`
  const bytes = Buffer.from(input)
  const signature = options.signature?.(bytes) ?? signBytes(key, bytes, 'jws')
  return Uint8Array.from(Buffer.from(`${input}.${base64url(signature)}`))
}

const jwtAlgorithms: Partial<Record<Scheme, string>> = {
  'ecdsa-p256-sha256': 'ES256',
  'ecdsa-p384-sha384': 'ES384',
  ed25519: 'EdDSA',
  'rsa-pss-sha256': 'PS256',
  'rsa-pkcs1v15-sha256': 'RS256',
}

export function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}

export function namedInformation(bytes: Uint8Array | string): string {
  return `ni:///sha-256;${createHash('sha256').update(bytes).digest('base64url')}`
}

/** A trust file from signers written as in YAML; JSON is YAML. */
export function trustBytes(signers: JsonObject, metadata: JsonObject = {}): Uint8Array {
  return encodeCanonical({
    apiVersion: 'sallyport.dev/v1',
    kind: 'Trust',
    metadata: { name: 'default', owner: 'platform-security', ...metadata },
    signers,
  })
}

export function keyEntry(key: TestKey, more: JsonObject = {}): JsonObject {
  return {
    publicKey: key.publicPem,
    validFrom: '2026-01-01T00:00:00Z',
    ...(key.scheme.startsWith('rsa') ? { scheme: key.scheme } : {}),
    ...more,
  }
}

export const builderId = 'https://sallyport.dev/builders/workstation-pinned/v1'

export function builderEntry(keys: readonly JsonObject[], more: JsonObject = {}): JsonObject {
  return {
    keys,
    predicateTypes: [predicateTypes.slsaProvenanceV1],
    builders: [{ id: builderId, level: 1 }],
    ...more,
  }
}

/** A small statement of the given type about the given digest. */
export function aStatement(
  predicateType: string,
  predicate: JsonObject,
  sha256: string,
): Statement {
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: 'app.tgz', digest: { sha256 } }],
    predicateType,
    predicate,
  }
}
