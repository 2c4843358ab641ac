import { constants, verify } from 'node:crypto'
import { malformed, tags, type DerElement } from '../der/reader.ts'
import { dottedOid, oidOf, readOid, readSmallInteger, type Oid } from '../der/values.ts'
import type { PublicKey } from '../keys/public-key.ts'
import type { HashName } from '../keys/scheme.ts'

/** How a certificate or a time stamp is signed. */
export interface SignatureAlgorithm {
  readonly family: 'ecdsa' | 'rsa' | 'rsa-pss' | 'ed25519'
  readonly hash: HashName | null
  /** Bytes; RSASSA-PSS only. */
  readonly saltLength?: number
}

/** Digest algorithms, by their OID. SHA-1 and older ones are not used for anything. */
const hashes: ReadonlyMap<Oid, HashName> = new Map([
  [oidOf('2.16.840.1.101.3.4.2.1'), 'sha256'],
  [oidOf('2.16.840.1.101.3.4.2.2'), 'sha384'],
  [oidOf('2.16.840.1.101.3.4.2.3'), 'sha512'],
])

const algorithms: ReadonlyMap<Oid, SignatureAlgorithm> = new Map<Oid, SignatureAlgorithm>([
  [oidOf('1.2.840.10045.4.3.2'), { family: 'ecdsa', hash: 'sha256' }],
  [oidOf('1.2.840.10045.4.3.3'), { family: 'ecdsa', hash: 'sha384' }],
  [oidOf('1.2.840.10045.4.3.4'), { family: 'ecdsa', hash: 'sha512' }],
  [oidOf('1.2.840.113549.1.1.11'), { family: 'rsa', hash: 'sha256' }],
  [oidOf('1.2.840.113549.1.1.12'), { family: 'rsa', hash: 'sha384' }],
  [oidOf('1.2.840.113549.1.1.13'), { family: 'rsa', hash: 'sha512' }],
  [oidOf('1.3.101.112'), { family: 'ed25519', hash: null }],
])

const rsaEncryption = oidOf('1.2.840.113549.1.1.1')
const rsaPss = oidOf('1.2.840.113549.1.1.10')
const mgf1 = oidOf('1.2.840.113549.1.1.8')

/** Reads the AlgorithmIdentifier of a digest. */
export function readHashAlgorithm(element: DerElement): HashName {
  const fields = element.children()
  const oid = readOid(fields)
  // RFC 5754 §2: the parameters are absent, or NULL in old encodings.
  fields.readOptional(tags.null)
  fields.finish()
  const hash = hashes.get(oid)
  if (hash !== undefined) return hash
  throw malformed(element.where, 'SHA-256, SHA-384 or SHA-512', `algorithm ${dottedOid(oid)}`)
}

/**
 * Reads the AlgorithmIdentifier of a signature. In CMS, RSA may be named without its hash, which is then
 * the one of the digest algorithm.
 */
export function readSignatureAlgorithm(
  element: DerElement,
  digestAlgorithm?: HashName,
): SignatureAlgorithm {
  const fields = element.children()
  const oid = readOid(fields)
  if (oid === rsaPss) return readPss(fields.read(tags.sequence))
  const known = algorithms.get(oid)
  const isBareRsa = oid === rsaEncryption && digestAlgorithm !== undefined
  const algorithm = isBareRsa ? { family: 'rsa' as const, hash: digestAlgorithm } : known
  if (algorithm === undefined) {
    const expected = 'ECDSA, RSA or Ed25519 with SHA-256 or better'
    throw malformed(element.where, expected, `algorithm ${dottedOid(oid)}`)
  }
  // RFC 4055 §5: NULL for RSA; RFC 5758 §3.2, RFC 8410 §3: nothing for the others.
  if (algorithm.family === 'rsa') fields.readOptional(tags.null)
  fields.finish()
  return algorithm
}

/** Whether the signature is right and by a key that the algorithm is for. */
export function signatureHolds(
  { family, hash, saltLength = 0 }: SignatureAlgorithm,
  { kind, key }: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    switch (family) {
      case 'ecdsa':
        return kind.startsWith('ecdsa-') && verify(hash, message, key, signature)
      case 'ed25519':
        return kind === 'ed25519' && verify(null, message, key, signature)
      case 'rsa':
        return kind === 'rsa' && verify(hash, message, key, signature)
      case 'rsa-pss': {
        const padding = constants.RSA_PKCS1_PSS_PADDING
        const options = { key, padding, saltLength }
        return (kind === 'rsa' || kind === 'rsa-pss') && verify(hash, message, options, signature)
      }
    }
  } catch {
    // Bytes that the library stumbles over are not a signature.
    return false
  }
}

/** RFC 4055 §3.1: the hash, MGF1 with the same hash, and the salt. The defaults are SHA-1, so hash and MGF1 must be there. */
function readPss(parameters: DerElement): SignatureAlgorithm {
  const fields = parameters.children()
  const hash = readHashAlgorithm(fields.read(tags.constructed(0)).children().read(tags.sequence))
  const mask = fields.read(tags.constructed(1)).children().read(tags.sequence).children()
  const isMgf1 = readOid(mask) === mgf1
  const maskHash = readHashAlgorithm(mask.read(tags.sequence))
  const salt = fields.readOptional(tags.constructed(2))
  fields.finish()
  const saltLength = salt === undefined ? 20 : readSmallInteger(salt.children())
  if (isMgf1 && maskHash === hash) return { family: 'rsa-pss', hash, saltLength }
  throw malformed(parameters.where, 'RSASSA-PSS with one hash', 'two')
}
