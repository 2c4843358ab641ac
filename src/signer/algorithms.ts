import type { KeyObject } from 'node:crypto'

export type KeyAlgorithm = 'ecdsa-p256' | 'ecdsa-p384' | 'ed25519' | 'ml-dsa-44'

/** All that is known of a key algorithm is one row; code below receives the row, never the identifier. */
interface Row {
  /** What `crypto.sign` takes as digest: null where the scheme hashes by itself. */
  readonly digest: 'sha256' | 'sha384' | null
  readonly matches: (key: KeyObject) => boolean
}

const curve = (name: string) => (key: KeyObject) =>
  key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === name

export const algorithms: Readonly<Record<KeyAlgorithm, Row>> = {
  'ecdsa-p256': { digest: 'sha256', matches: curve('prime256v1') },
  'ecdsa-p384': { digest: 'sha384', matches: curve('secp384r1') },
  ed25519: { digest: null, matches: (key) => key.asymmetricKeyType === 'ed25519' },
  'ml-dsa-44': { digest: null, matches: (key) => String(key.asymmetricKeyType) === 'ml-dsa-44' },
}

export const keyAlgorithms = Object.keys(algorithms) as KeyAlgorithm[]

export function algorithmOf(key: KeyObject): KeyAlgorithm | undefined {
  return keyAlgorithms.find((name) => algorithms[name].matches(key))
}
