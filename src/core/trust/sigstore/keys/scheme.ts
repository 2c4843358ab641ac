import { constants, verify } from 'node:crypto'
import { verifyEcdsaDigest } from './ecdsa-digest.ts'
import { verifyEd25519ph } from './ed25519ph.ts'
import type { KeyKind, PublicKey } from './public-key.ts'
import { saltLengths, verifyPssDigest, verifyPkcs1Digest } from './rsa-digest.ts'

/** A hash algorithm, by its name in digest sets and in node:crypto. */
export type HashName = 'sha256' | 'sha384' | 'sha512'

/**
 * How a signature is made, by the names of Sigstore's registry of algorithms.
 *
 * https://github.com/sigstore/architecture-docs/blob/main/algorithm-registry.md
 */
export type SchemeName = keyof typeof schemes

export interface Scheme {
  readonly name: SchemeName
  readonly kind: KeyKind
  /** What is signed is hashed with this; null where the scheme takes the message whole. */
  readonly hash: HashName | null
  readonly padding?: 'pkcs1' | 'pss'
  /** Bits of the modulus, where the name fixes them. */
  readonly bits?: number
  readonly prehashed?: true
}

const schemes = {
  PKIX_ECDSA_P256_SHA_256: { kind: 'ecdsa-p256', hash: 'sha256' },
  PKIX_ECDSA_P384_SHA_384: { kind: 'ecdsa-p384', hash: 'sha384' },
  PKIX_ECDSA_P521_SHA_512: { kind: 'ecdsa-p521', hash: 'sha512' },
  PKIX_ED25519: { kind: 'ed25519', hash: null },
  PKIX_ED25519_PH: { kind: 'ed25519', hash: 'sha512', prehashed: true },
  PKIX_RSA_PKCS1V15_2048_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pkcs1', bits: 2048 },
  PKIX_RSA_PKCS1V15_3072_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pkcs1', bits: 3072 },
  PKIX_RSA_PKCS1V15_4096_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pkcs1', bits: 4096 },
  PKIX_RSA_PSS_2048_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pss', bits: 2048 },
  PKIX_RSA_PSS_3072_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pss', bits: 3072 },
  PKIX_RSA_PSS_4096_SHA256: { kind: 'rsa', hash: 'sha256', padding: 'pss', bits: 4096 },
  ML_DSA_44: { kind: 'ml-dsa-44', hash: null },
  ML_DSA_65: { kind: 'ml-dsa-65', hash: null },
  ML_DSA_87: { kind: 'ml-dsa-87', hash: null },
  // Deprecated in the registry; most clients have signed with them, so they are read.
  PKIX_ECDSA_P384_SHA_256: { kind: 'ecdsa-p384', hash: 'sha256' },
  PKIX_ECDSA_P521_SHA_256: { kind: 'ecdsa-p521', hash: 'sha256' },
  PKIX_RSA_PKCS1V5: { kind: 'rsa', hash: 'sha256', padding: 'pkcs1' },
  PKIX_RSA_PSS: { kind: 'rsa', hash: 'sha256', padding: 'pss' },
  PKCS1_RSA_PKCS1V5: { kind: 'rsa', hash: 'sha256', padding: 'pkcs1' },
  PKCS1_RSA_PSS: { kind: 'rsa', hash: 'sha256', padding: 'pss' },
} as const satisfies Record<string, Omit<Scheme, 'name'>>

/** What a key of each kind may have signed with, the usual one first. */
const candidates: Readonly<Record<KeyKind, readonly SchemeName[]>> = {
  'ecdsa-p256': ['PKIX_ECDSA_P256_SHA_256'],
  'ecdsa-p384': ['PKIX_ECDSA_P384_SHA_384', 'PKIX_ECDSA_P384_SHA_256'],
  'ecdsa-p521': ['PKIX_ECDSA_P521_SHA_512', 'PKIX_ECDSA_P521_SHA_256'],
  ed25519: ['PKIX_ED25519', 'PKIX_ED25519_PH'],
  rsa: ['PKIX_RSA_PKCS1V5', 'PKIX_RSA_PSS'],
  'rsa-pss': ['PKIX_RSA_PSS'],
  'ml-dsa-44': ['ML_DSA_44'],
  'ml-dsa-65': ['ML_DSA_65'],
  'ml-dsa-87': ['ML_DSA_87'],
}

export function schemeOf(name: SchemeName): Scheme {
  return { name, ...schemes[name] }
}

/** The scheme of that name in the registry; undefined when there is none. */
export function findScheme(name: string): Scheme | undefined {
  return Object.hasOwn(schemes, name) ? schemeOf(name as SchemeName) : undefined
}

/** Whether the scheme can be used with the key. */
export function fits({ kind, bits, padding }: Scheme, key: PublicKey): boolean {
  const isKind = kind === key.kind || (key.kind === 'rsa-pss' && padding === 'pss')
  return isKind && (bits === undefined || bits === key.bits)
}

const schemeLists = new Map(
  Object.entries(candidates).map(([kind, names]) => [kind, names.map(schemeOf)]),
)

/** The schemes that the key may have signed with. */
export function schemesFor(key: PublicKey): readonly Scheme[] {
  return schemeLists.get(key.kind) ?? []
}

/** Whether the signature is right. Whatever the library thinks of the attacker's bytes, the answer is yes or no. */
export function verifyMessage(
  scheme: Scheme,
  { key, bits = 0 }: PublicKey,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { hash, padding, prehashed } = scheme
  try {
    if (prehashed) return verifyEd25519ph(key, { message }, signature)
    if (padding !== 'pss') return verify(hash, message, optionsOf(padding, key), signature)
    return saltLengths(bits, hash ?? 'sha256').some((saltLength) =>
      verify(hash, message, { key, padding: pssPadding, saltLength }, signature),
    )
  } catch {
    return false
  }
}

/** Whether the signature over a message is right of which only the digest is known (by `scheme.hash`). */
export function verifyDigest(
  scheme: Scheme,
  { kind, key }: PublicKey,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { hash, padding } = scheme
  if (hash === null) return false
  try {
    if (scheme.prehashed) return verifyEd25519ph(key, { digest }, signature)
    if (padding === 'pkcs1') return verifyPkcs1Digest(key, hash, digest, signature)
    if (padding === 'pss') return verifyPssDigest(key, hash, digest, signature)
    return verifyEcdsaDigest(kind, key, digest, signature)
  } catch {
    return false
  }
}

const pssPadding = constants.RSA_PKCS1_PSS_PADDING

type VerifyKey = Parameters<typeof verify>[2]

function optionsOf(padding: Scheme['padding'], key: PublicKey['key']): VerifyKey {
  return padding === 'pkcs1' ? { key, padding: constants.RSA_PKCS1_PADDING } : key
}
