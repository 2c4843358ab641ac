import { createPublicKey, type KeyObject } from 'node:crypto'
import { sha256Hex } from '#document'
import { SallyportError, type ProblemCode } from '#error'

/** A public key that has been read, found strong enough, and named by its digest. */
export interface PublicKey {
  /** Lower-case hex sha256 of the SubjectPublicKeyInfo (DER): the key's name everywhere. */
  readonly keyid: string
  readonly key: KeyObject
  readonly algorithm: KeyAlgorithm
  /** Digest of the key material alone: equal for one RSA key under two algorithm identifiers. */
  readonly material: string
}

export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'rsa' | 'rsa-pss' | 'ml-dsa-44'

/**
 * Reads a public key from PEM: exactly one `PUBLIC KEY` block in its one canonical encoding.
 *
 * @throws SallyportError TRUST_KEY_UNREADABLE, TRUST_KEY_PRIVATE, TRUST_KEY_ALGORITHM, TRUST_KEY_WEAK
 */
export function readPublicKey(pem: string, where: string): PublicKey {
  const der = derOf(pem, where)
  const key = parseSpki(der, where)
  const algorithm = algorithmOf(key, where)
  checkCanonical(key, algorithm, der, where)
  checkStrength(key, algorithm, der, where)
  return { keyid: sha256Hex(der), key, algorithm, material: sha256Hex(materialOf(der)) }
}

/** The name of a public key: lower-case hex sha256 of its SubjectPublicKeyInfo (DER). */
export function keyidOf(key: KeyObject): string {
  return sha256Hex(key.export({ type: 'spki', format: 'der' }))
}

const block = /^\s*-----BEGIN PUBLIC KEY-----\s([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*$/

function derOf(pem: string, where: string): Buffer {
  if (/PRIVATE KEY/.test(pem)) {
    throw refuse(
      'TRUST_KEY_PRIVATE',
      where,
      'a public key',
      'a private key (not shown)',
      'Remove it, treat the key as compromised, and have its owner make a new one',
    )
  }
  const body = block.exec(pem)?.[1]?.replaceAll(/\s/g, '')
  const der = Buffer.from(body ?? '', 'base64')
  if (body !== undefined && der.toString('base64') === body) return der
  throw unreadable(where, 'text that is not exactly one such block')
}

function parseSpki(der: Buffer, where: string): KeyObject {
  try {
    return createPublicKey({ key: der, format: 'der', type: 'spki' })
  } catch (cause) {
    throw unreadable(where, 'a block whose content is not a public key', cause)
  }
}

const algorithms: Readonly<Record<string, KeyAlgorithm>> = {
  prime256v1: 'ecdsa-p256',
  secp384r1: 'ecdsa-p384',
  ed25519: 'ed25519',
  rsa: 'rsa',
  'rsa-pss': 'rsa-pss',
  'ml-dsa-44': 'ml-dsa-44',
}

function algorithmOf(key: KeyObject, where: string): KeyAlgorithm {
  const type: string = key.asymmetricKeyType ?? 'unknown'
  const name = type === 'ec' ? (key.asymmetricKeyDetails?.namedCurve ?? 'unnamed') : type
  const algorithm = Object.hasOwn(algorithms, name) ? algorithms[name] : undefined
  if (algorithm !== undefined) return algorithm
  throw refuse(
    'TRUST_KEY_ALGORITHM',
    where,
    'a key for ECDSA P-256 or P-384, Ed25519, RSA or ML-DSA-44',
    type === 'ec' ? `an elliptic curve key on the curve ${name}` : `a key for ${name}`,
    'Have the owner make a key of one of these kinds, and list its public half here',
  )
}

/** Length of the canonical encoding: named curve, uncompressed point. */
const lengths: Partial<Record<KeyAlgorithm, number>> = {
  'ecdsa-p256': 91,
  'ecdsa-p384': 120,
  ed25519: 44,
  'ml-dsa-44': 1334,
}

// Two encodings of one key would be two key ids, and one owner would count twice.
function checkCanonical(key: KeyObject, algorithm: KeyAlgorithm, der: Buffer, where: string): void {
  const again = key.export({ type: 'spki', format: 'der' })
  if (again.equals(der) && (lengths[algorithm] ?? der.length) === der.length) return
  throw unreadable(where, 'a key in an unusual encoding (compressed point, extra bytes)')
}

function checkStrength(key: KeyObject, algorithm: KeyAlgorithm, der: Buffer, where: string): void {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (algorithm === 'rsa' || algorithm === 'rsa-pss') {
    if (modulusLength < 2048) throw weak(where, 'at least 2048 bits', `${modulusLength} bits`)
    if (modulusLength > 8192) throw weak(where, 'at most 8192 bits', `${modulusLength} bits`)
    if (publicExponent < 65537n) {
      throw weak(where, 'a public exponent of 65537 or more', `the exponent ${publicExponent}`)
    }
  }
  if (algorithm === 'rsa-pss') checkPssParameters(key, where)
  if (algorithm === 'ed25519' && isSmallOrder(der.subarray(-32))) {
    throw weak(where, 'a point of large order', 'a point for which anybody can forge signatures')
  }
}

function checkPssParameters(key: KeyObject, where: string): void {
  const { hashAlgorithm = 'sha256', mgf1HashAlgorithm = 'sha256' } = key.asymmetricKeyDetails ?? {}
  if (hashAlgorithm === 'sha256' && mgf1HashAlgorithm === 'sha256') return
  throw weak(where, 'PSS parameters with SHA-256', `${hashAlgorithm} with ${mgf1HashAlgorithm}`)
}

/** The points of order 1, 2, 4 and 8 on edwards25519, and their unreduced encodings; the sign bit does not matter. */
const smallOrder = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])

function isSmallOrder(point: Uint8Array): boolean {
  const bytes = Buffer.from(point)
  bytes[31] = (bytes[31] ?? 0) & 0x7f
  return smallOrder.has(bytes.toString('hex'))
}

/** The subjectPublicKey of a SubjectPublicKeyInfo: what follows the algorithm identifier. */
function materialOf(der: Buffer): Buffer {
  const outer = headerEnd(der, 0)
  const algorithm = headerEnd(der, outer.end)
  return der.subarray(algorithm.end + algorithm.length)
}

/** Reads a DER tag and length. The encoding has been found canonical before, so this cannot run astray. */
function headerEnd(der: Buffer, start: number): { end: number; length: number } {
  const first = der[start + 1] ?? 0
  if (first < 0x80) return { end: start + 2, length: first }
  const size = first & 0x7f
  return { end: start + 2 + size, length: der.readUIntBE(start + 2, size) }
}

function weak(where: string, expected: string, found: string): SallyportError {
  return refuse(
    'TRUST_KEY_WEAK',
    where,
    expected,
    found,
    'Have the owner make a stronger key, and list it beside a date on which this one is retired',
  )
}

function unreadable(where: string, found: string, cause?: unknown): SallyportError {
  return refuse(
    'TRUST_KEY_UNREADABLE',
    where,
    'one PEM block "-----BEGIN PUBLIC KEY-----" in canonical encoding',
    found,
    'Write the key as `openssl pkey -pubin -outform PEM` prints it',
    cause,
  )
}

function refuse(
  code: ProblemCode,
  where: string,
  expected: string,
  found: string,
  fix: string,
  cause?: unknown,
): SallyportError {
  return new SallyportError({ code, where, expected, found, fix }, { cause })
}
