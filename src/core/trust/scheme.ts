import { constants, verify, type KeyObject } from 'node:crypto'
import type { KeyAlgorithm } from './public-key.ts'
import { saltLengths } from './sigstore/keys/rsa-digest.ts'

/** How a key signs: one key, one scheme, so that no key can be used in a way its owner did not mean. */
export type Scheme = keyof typeof schemes

interface SchemeEntry {
  readonly keys: readonly KeyAlgorithm[]
  /** The one JWT algorithm of the scheme (RFC 7518, RFC 8037); none where none is registered. */
  readonly jwt?: string
  readonly hash: 'sha256' | 'sha384' | null
  readonly padding?: 'pss' | 'pkcs1'
}

export const schemes = {
  'ecdsa-p256-sha256': { keys: ['ecdsa-p256'], jwt: 'ES256', hash: 'sha256' },
  'ecdsa-p384-sha384': { keys: ['ecdsa-p384'], jwt: 'ES384', hash: 'sha384' },
  ed25519: { keys: ['ed25519'], jwt: 'EdDSA', hash: null },
  'rsa-pss-sha256': { keys: ['rsa', 'rsa-pss'], jwt: 'PS256', hash: 'sha256', padding: 'pss' },
  'rsa-pkcs1v15-sha256': { keys: ['rsa'], jwt: 'RS256', hash: 'sha256', padding: 'pkcs1' },
  'ml-dsa-44': { keys: ['ml-dsa-44'], hash: null },
} as const satisfies Record<string, SchemeEntry>

/** The names of all schemes, for schemas and messages. */
export const schemeNames = Object.keys(schemes) as readonly Scheme[] as readonly [
  Scheme,
  ...Scheme[],
]

/** The schemes that a key may be used with. */
export function schemesOf(algorithm: KeyAlgorithm): readonly Scheme[] {
  return schemeNames.filter((name) => {
    const { keys }: SchemeEntry = schemes[name]
    return keys.includes(algorithm)
  })
}

/** The one JWT algorithm that a scheme may be used under. */
export function jwtAlgorithmOf(scheme: Scheme): string | undefined {
  const { jwt }: SchemeEntry = schemes[scheme]
  return jwt
}

/** Who wrote the signature: a token's, DSSE's, or DSSE's with ECDSA signatures as tokens have them. */
export type SignatureFormat = 'dsse' | 'jws' | 'ieee-p1363'

/** Whether the signature is right. Whatever the library thinks of the attacker's bytes, the answer is yes or no. */
export function isSignatureGood(
  scheme: Scheme,
  key: KeyObject,
  data: Uint8Array,
  signature: Uint8Array,
  format: SignatureFormat,
): boolean {
  const { hash }: SchemeEntry = schemes[scheme]
  try {
    return encodingsOf(scheme, key, format).some((encoding) =>
      verify(hash, data, { key, ...encoding }, signature),
    )
  } catch {
    return false
  }
}

/** The ways in which a signature of this scheme may be written: one, or two for RSASSA-PSS outside tokens. */
function encodingsOf(scheme: Scheme, key: KeyObject, format: SignatureFormat): readonly object[] {
  const { padding }: SchemeEntry = schemes[scheme]
  if (padding === 'pkcs1') return [{ padding: constants.RSA_PKCS1_PADDING }]
  if (padding === 'pss') {
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0
    const [ofHash, longest] = saltLengths(bits, 'sha256')
    // RFC 7518 §3.5 fixes the salt to the length of the hash; DSSE's signers use that or the longest possible. Any other
    // length, none above all, was meant by nobody.
    const lengths = format === 'jws' ? [ofHash] : [ofHash, longest]
    return lengths.map((saltLength) => ({ padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }))
  }
  // RFC 7518 §3.4: r and s side by side; everybody else writes DER.
  return [{ dsaEncoding: format === 'dsse' ? 'der' : 'ieee-p1363' }]
}
