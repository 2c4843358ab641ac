import { createPublicKey, type KeyObject } from 'node:crypto'
import { malformed, readDer, tags, type DerReader } from '../der/reader.ts'
import {
  dottedOid,
  oidOf,
  readBytesOfBits,
  readOid,
  readPositive,
  type Oid,
} from '../der/values.ts'
import { refuse } from '../problem.ts'

/** What a key is: which schemes it can be used with follows from it. */
export type KeyKind =
  | 'ecdsa-p256'
  | 'ecdsa-p384'
  | 'ecdsa-p521'
  | 'ed25519'
  | 'rsa'
  | 'rsa-pss'
  | 'ml-dsa-44'
  | 'ml-dsa-65'
  | 'ml-dsa-87'

/** A public key that has been read and found strong enough. */
export interface PublicKey {
  readonly kind: KeyKind
  readonly key: KeyObject
  /** SubjectPublicKeyInfo in DER: keys are the same when these bytes are. */
  readonly spki: Buffer
  /** Bits of the modulus; RSA only. */
  readonly bits?: number
}

const algorithms = {
  ec: oidOf('1.2.840.10045.2.1'),
  rsa: oidOf('1.2.840.113549.1.1.1'),
  rsaPss: oidOf('1.2.840.113549.1.1.10'),
} as const

/** Named curves, with the bytes of an uncompressed point. */
const curves: ReadonlyMap<Oid, { readonly kind: KeyKind; readonly bytes: number }> = new Map([
  [oidOf('1.2.840.10045.3.1.7'), { kind: 'ecdsa-p256', bytes: 65 }],
  [oidOf('1.3.132.0.34'), { kind: 'ecdsa-p384', bytes: 97 }],
  [oidOf('1.3.132.0.35'), { kind: 'ecdsa-p521', bytes: 133 }],
])

/** Algorithms whose parameters are absent, with the bytes of a key. */
const plain: ReadonlyMap<Oid, { readonly kind: KeyKind; readonly bytes: number }> = new Map([
  [oidOf('1.3.101.112'), { kind: 'ed25519', bytes: 32 }],
  [oidOf('2.16.840.1.101.3.4.3.17'), { kind: 'ml-dsa-44', bytes: 1312 }],
  [oidOf('2.16.840.1.101.3.4.3.18'), { kind: 'ml-dsa-65', bytes: 1952 }],
  [oidOf('2.16.840.1.101.3.4.3.19'), { kind: 'ml-dsa-87', bytes: 2592 }],
])

const minRsaBits = 2048
const maxRsaBits = 8192

/**
 * Reads a SubjectPublicKeyInfo: a kind of key that Sigstore's registry of algorithms knows, in its one encoding, and
 * large enough.
 *
 * @throws SallyportError SIGSTORE_KEY, SIGSTORE_DER
 */
export function readSpki(spki: Uint8Array, where: string): PublicKey {
  const outer = readDer(spki, tags.sequence, where)
  const parts = outer.children()
  const algorithm = parts.read(tags.sequence).children()
  const oid = readOid(algorithm)
  const bytes = readBytesOfBits(parts)
  parts.finish()
  const shape = kindOf(oid, algorithm, bytes, where)
  return { ...shape, spki: outer.whole, key: keyObject(outer.whole, where) }
}

/** Reads an RSAPublicKey (PKCS #1), as the oldest logs have it. */
export function readPkcs1(der: Uint8Array, where: string): PublicKey {
  const { bits } = readRsa(der, where)
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'pkcs1' })
  } catch (cause) {
    throw unusable(where, 'an RSA public key', 'other bytes', cause)
  }
  return { kind: 'rsa', key, bits, spki: key.export({ type: 'spki', format: 'der' }) }
}

/** Takes a key that node:crypto has already read. */
export function publicKeyOf(key: KeyObject, where: string): PublicKey {
  if (key.type !== 'public') throw new TypeError('a signature is verified with a public key')
  return readSpki(key.export({ type: 'spki', format: 'der' }), where)
}

function kindOf(
  oid: Oid,
  parameters: DerReader,
  bytes: Buffer,
  where: string,
): Pick<PublicKey, 'kind' | 'bits'> {
  if (oid === algorithms.ec) return curveOf(parameters, bytes, where)
  if (oid === algorithms.rsa) {
    parameters.read(tags.null)
    parameters.finish()
    return readRsa(bytes, where)
  }
  // The parameters of RSASSA-PSS limit the key; node:crypto obeys them.
  if (oid === algorithms.rsaPss) return { ...readRsa(bytes, where), kind: 'rsa-pss' }
  const known = plain.get(oid)
  if (known === undefined) {
    const expected = 'a key for ECDSA (P-256, P-384, P-521), Ed25519, RSA or ML-DSA'
    throw unusable(where, expected, `algorithm ${dottedOid(oid)}`)
  }
  parameters.finish()
  if (bytes.length !== known.bytes) {
    throw unusable(where, `a key of ${known.bytes} bytes`, `${bytes.length} bytes`)
  }
  return { kind: known.kind }
}

function curveOf(parameters: DerReader, point: Buffer, where: string): Pick<PublicKey, 'kind'> {
  if (parameters.peek() !== tags.oid) throw unusable(where, 'a named curve', 'none')
  const oid = readOid(parameters)
  parameters.finish()
  const curve = curves.get(oid)
  if (curve === undefined) throw unusable(where, 'the curve P-256, P-384 or P-521', dottedOid(oid))
  // Two encodings of one key would be two keys.
  if (point.length === curve.bytes && point[0] === 4) return { kind: curve.kind }
  throw unusable(where, `an uncompressed point of ${curve.bytes} bytes`, `${point.length} bytes`)
}

function readRsa(der: Uint8Array, where: string): { readonly kind: 'rsa'; readonly bits: number } {
  const fields = readDer(der, tags.sequence, where).children()
  const modulus = readPositive(fields)
  const exponent = readPositive(fields)
  fields.finish()
  const bits = 8 * modulus.length - Math.clz32(modulus[0] ?? 0) + 24
  if (bits < minRsaBits || bits > maxRsaBits) {
    throw unusable(where, `RSA with ${minRsaBits} to ${maxRsaBits} bits`, `${bits} bits`)
  }
  const isUsual = exponent.length <= 4 && exponent.readUIntBE(0, exponent.length) >= 65_537
  if (!isUsual || ((exponent.at(-1) ?? 0) & 1) === 0) {
    const expected = 'an odd public exponent of 65537 or more, in at most 32 bits'
    throw unusable(where, expected, `the exponent ${exponent.toString('hex', 0, 16)} (hex)`)
  }
  return { kind: 'rsa', bits }
}

function keyObject(spki: Buffer, where: string): KeyObject {
  try {
    // node:crypto reads PEM in a third of the time that it takes for DER.
    return createPublicKey(
      `-----BEGIN PUBLIC KEY-----\n${spki.toString('base64')}\n-----END PUBLIC KEY-----\n`,
    )
  } catch (cause) {
    throw malformed(where, 'a public key on its curve', 'other bytes', cause)
  }
}

function unusable(where: string, expected: string, found: string, cause?: unknown): Error {
  const fix = 'Have it signed again with a key of a kind that is used, such as ECDSA P-256'
  return refuse('SIGSTORE_KEY', where, expected, found, fix, cause)
}
