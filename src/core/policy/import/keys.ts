import { createPublicKey, type KeyObject } from 'node:crypto'
import type { SignerDraft } from './model.ts'

/** What cosign signs with when nothing else is said: for RSA keys, PKCS #1 v1.5 with SHA-256. */
const rsaScheme = 'rsa-pkcs1v15-sha256'

/** A public key in PEM, or undefined when it is none. */
export function readPublicKey(pem: string): KeyObject | undefined {
  if (pem.length > 20_000 || !/^\s*-----BEGIN (?:RSA )?PUBLIC KEY-----/.test(pem)) return undefined
  try {
    return createPublicKey(pem)
  } catch {
    return undefined
  }
}

/** The keys of a text with one or more PEM blocks; undefined when any of them is no public key. */
export function splitPem(text: string): readonly string[] | undefined {
  if (text.length > 64 * 1024) return undefined
  const blocks = text.match(/-----BEGIN [A-Z ]+-----[\s\S]*?-----END [A-Z ]+-----/g) ?? []
  const isWhole = blocks.length > 0 && blocks.every((block) => readPublicKey(block) !== undefined)
  return isWhole ? blocks : undefined
}

/** The one hash that a key of this kind is verified with here. */
const hashes: Readonly<Record<string, string>> = {
  rsa: 'sha256',
  prime256v1: 'sha256',
  secp384r1: 'sha384',
}

/** Why a key cannot stand in a trust file; undefined when it can. */
export function whyNotKey(key: KeyObject, hash = 'sha256'): string | undefined {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return undefined
  const kind = type === 'ec' ? (details?.namedCurve ?? 'ec') : type
  if (hashes[kind] !== hash) return `a key (${kind}) with ${hash}, which is not verified here`
  return type === 'rsa' ? whyNotRsa(details?.modulusLength ?? 0) : undefined
}

function whyNotRsa(bits: number): string | undefined {
  if (bits >= 2048 && bits <= 8192) return undefined
  return `an RSA key of ${bits} bits; they have 2048 to 8192 here`
}

/** The key as a signer; its PEM is written anew, so that nothing else is taken over with it. */
export function keyDraft(key: KeyObject, hint: string): SignerDraft {
  const publicKey = key.export({ type: 'spki', format: 'pem' }) as string
  const scheme = key.asymmetricKeyType === 'rsa' ? { scheme: rsaScheme } : {}
  return { hint, key: { publicKey, ...scheme } }
}
