import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto'
import { quote, SallyportError } from '#error'
import { formatOf, typeOfByte, type NoteKeyType } from './key-format.ts'

/** A key that signatures on notes are verified with. Made only here, so that the id always fits the key. */
export interface VerifierKey {
  readonly name: string
  readonly type: NoteKeyType
  /** The raw public key; for `ecdsa`, SubjectPublicKeyInfo in DER. */
  readonly publicKey: Uint8Array
  /** The key id: computed from the three above, never believed. */
  readonly id: number
}

const seedBytes = 32

/** Names a key. Refuses a name or a public key that a note could not carry. */
export function verifierKey(name: string, type: NoteKeyType, publicKey: Uint8Array): VerifierKey {
  const { byte, publicKeyBytes = publicKey.length } = formatOf(type)
  if (!isKeyName(name))
    throw malformed(name, 'a key name without spaces, "+" and control characters')
  if (publicKey.length !== publicKeyBytes)
    throw malformed(name, `a public key of ${publicKeyBytes} bytes`, `${publicKey.length} bytes`)
  // ECDSA keys came before the rule; their id is the hash of the key alone.
  const identity =
    type === 'ecdsa'
      ? publicKey
      : Buffer.concat([Buffer.from(`${name}\n`), Uint8Array.of(byte), publicKey])
  const id = hash('sha256', identity, 'buffer').readUInt32BE(0)
  const key = { name, type, publicKey: Uint8Array.from(publicKey), id }
  if (type === 'ecdsa') checkEcdsa(key)
  return key
}

/** Names the key of a `KeyObject` or PEM text, public or private; the type says what it is to sign. */
export function verifierKeyOf(
  name: string,
  type: NoteKeyType,
  key: KeyObject | string,
): VerifierKey {
  const publicKey = typeof key === 'string' || key.type === 'private' ? createPublicKey(key) : key
  const { spki } = formatOf(type)
  const der = publicKey.export({ type: 'spki', format: 'der' })
  if (!der.subarray(0, spki.length).equals(spki))
    throw malformed(name, `a key for ${type}`, `a key for ${publicKey.asymmetricKeyType}`)
  return verifierKey(name, type, der.subarray(spki.length))
}

/** A vkey: `<name>+<id in hex>+<base64 of type byte and public key>`. */
export function encodeVerifierKey({ name, type, publicKey, id }: VerifierKey): string {
  const material = Buffer.concat([Uint8Array.of(formatOf(type).byte), publicKey])
  return `${name}+${idText(id)}+${material.toString('base64')}`
}

/** Reads a vkey. The id in it must be the one that its name, type and key give: some public vkeys carry another. */
export function parseVerifierKey(text: string): VerifierKey {
  const { name, id, material } = split(text)
  const key = verifierKey(name, typeOf(name, material), material.subarray(1))
  checkId(id, key)
  return key
}

/**
 * Reads a Go `sumdb/note` signer key (`PRIVATE+KEY+…`), for interoperability and tests: the keys of Sallyport
 * itself are encrypted files that only #signer reads.
 */
export function parseSignerKey(text: string): {
  readonly key: VerifierKey
  readonly privateKey: KeyObject
} {
  const prefix = 'PRIVATE+KEY+'
  if (!text.startsWith(prefix))
    throw malformed('signer key', 'PRIVATE+KEY+<name>+<id>+<seed>', 'other text')
  const { name, id, material } = split(text.slice(prefix.length))
  const type = typeOf(name, material)
  const { pkcs8 } = formatOf(type)
  if (pkcs8 === undefined) throw malformed(name, 'an Ed25519 or ML-DSA-44 key', type)
  if (material.length !== 1 + seedBytes)
    throw malformed(name, `a seed of ${seedBytes} bytes`, `${material.length - 1} bytes`)
  const der = Buffer.concat([pkcs8, material.subarray(1)])
  const privateKey = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const key = verifierKeyOf(name, type, privateKey)
  checkId(id, key)
  return { key, privateKey }
}

// A log verifies with the same few keys all the time, and making a KeyObject costs as much as verifying.
const keyObjects = new WeakMap<VerifierKey, KeyObject>()

/** The key as node:crypto takes it. */
export function keyObjectOf(key: VerifierKey): KeyObject {
  const known = keyObjects.get(key)
  if (known !== undefined) return known
  const der = Buffer.concat([formatOf(key.type).spki, key.publicKey])
  const made = createPublicKey({ key: der, format: 'der', type: 'spki' })
  keyObjects.set(key, made)
  return made
}

/** How a key is named in messages. */
export function describeKey({ name, type, id }: VerifierKey): string {
  return `${quote(name, 60)} (${type}, key id ${idText(id)})`
}

/** Non-empty, without Unicode spaces, plus and control characters (C2SP signed-note). */
export function isKeyName(name: string): boolean {
  return name.isWellFormed() && /^[^\s\u0085+\p{Cc}]+$/u.test(name)
}

/** Standard base64, and only the one way to write it; undefined otherwise. */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** The base64 may hold a `+`, so only the first two separate. Never shows the text: it may be a private key. */
function split(text: string) {
  const [, name = '', id = '', base64 = ''] = /^([^+]*)\+([0-9a-f]{8})\+(.+)$/s.exec(text) ?? []
  const material = decodeBase64(base64)
  if (material !== undefined && material.length > 0)
    return { name, id: Number.parseInt(id, 16), material }
  throw malformed(name, '<name>+<8 hex digits>+<base64>', `other text, ${text.length} characters`)
}

function typeOf(name: string, material: Uint8Array): NoteKeyType {
  const type = typeOfByte(material[0])
  if (type !== undefined) return type
  throw malformed(
    name,
    'signature type 01 (Ed25519), 02 (ECDSA), 04 (Ed25519 cosignature) or 06 (ML-DSA-44)',
    `type ${(material[0] ?? 0).toString(16).padStart(2, '0')}`,
  )
}

function checkEcdsa(key: VerifierKey): void {
  try {
    if (keyObjectOf(key).asymmetricKeyType === 'ec') return
  } catch (cause) {
    throw malformed(key.name, 'an ECDSA public key in DER', 'other bytes', cause)
  }
  throw malformed(key.name, 'an ECDSA public key in DER', 'a key of another kind')
}

function checkId(id: number, key: VerifierKey): void {
  if (id !== key.id) throw malformed(key.name, `key id ${idText(key.id)}`, idText(id))
}

function idText(id: number): string {
  return id.toString(16).padStart(8, '0')
}

function malformed(
  name: string,
  expected: string,
  found = quote(name),
  cause?: unknown,
): SallyportError {
  return new SallyportError(
    {
      code: 'NOTE_KEY_MALFORMED',
      where: quote(name, 60),
      expected,
      found,
      fix: 'Copy the key again from the operator of the log or witness, whole and on one line',
    },
    { cause },
  )
}
