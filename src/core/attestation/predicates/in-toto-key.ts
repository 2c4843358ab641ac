import { createPublicKey, hash, type KeyObject } from 'node:crypto'
import { quote } from '#error'
import { refuse } from '../field.ts'

/** The kinds of keys that in-toto names, by Node's name. */
const keyTypes: ReadonlyMap<string, string> = new Map([
  ['rsa', 'rsa'],
  ['ec', 'ecdsa'],
  ['ed25519', 'ed25519'],
])

/**
 * The key id of in-toto 1.0: SHA-256 over the public key, its type, its scheme and the hash algorithms of key ids, as
 * canonical JSON of OLPC (in which line breaks stand as they are).
 * https://github.com/in-toto/docs/blob/master/in-toto-spec.md
 *
 * @throws SallyportError ATTESTATION_FIELD when the key is none that in-toto knows, or is not of the scheme
 */
export function inTotoKeyId(
  pem: string,
  scheme: string,
  hashAlgorithms: readonly string[],
): string {
  const key = publicKeyOf(pem)
  const type = keyTypes.get(key.asymmetricKeyType ?? '')
  if (type === undefined) throw notKey('an RSA, ECDSA or Ed25519 key', key.asymmetricKeyType ?? '')
  const family = scheme.startsWith('rsa') ? 'rsa' : scheme.replace(/-sha2-.*$/, '')
  if (family !== type) throw notKey(`a key for ${quote(scheme)}`, `a key of type ${type}`)
  const algorithms = hashAlgorithms.map((name) => olpc(name)).join(',')
  const text = `{"keyid_hash_algorithms":[${algorithms}],"keytype":"${type}","keyval":{"public":${olpc(publicValue(key))}},"scheme":${olpc(scheme)}}`
  return hash('sha256', text)
}

/** Ed25519 keys by their 32 bytes in hexadecimal, others as PEM. */
function publicValue(key: KeyObject): string {
  if (key.asymmetricKeyType === 'ed25519') {
    return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
  }
  return String(key.export({ type: 'spki', format: 'pem' })).trim()
}

function publicKeyOf(pem: string): KeyObject {
  try {
    return createPublicKey(pem)
  } catch (cause) {
    // Whatever OpenSSL says of it, the text is no key.
    throw notKey('a key in PEM', cause instanceof Error ? quote(cause.message, 80) : 'none')
  }
}

/** OLPC canonical JSON escapes quotation marks and backslashes only. */
function olpc(text: string): string {
  return `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"`
}

function notKey(expected: string, found: string): Error {
  const fix = 'Name the scheme of the key as in-toto does, and give the key in PEM'
  return refuse('ATTESTATION_FIELD', 'key', expected, found, fix)
}
