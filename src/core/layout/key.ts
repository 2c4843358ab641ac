import { hash, type KeyObject } from 'node:crypto'
import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { isSignatureGood, readPublicKey, type PublicKey, type Scheme } from '#trust'
import { readFields, readHex, readList, readMap, readText } from './fields.ts'
import { encodeOlpc } from './olpc.ts'
import { readGpgKey } from './gpg-key.ts'
import { refuse } from './refuse.ts'

/** One signature over a layout or link. */
export interface Signature {
  /** Which key it says it is by. */
  readonly keyid: string
  readonly sig: Uint8Array
  /** What OpenPGP signs besides the content. */
  readonly otherHeaders?: Uint8Array
}

/** A public key as in-toto writes it: specification 4.2.1. */
export interface LayoutKey {
  /** Ids that signatures may name it by: the one in the layout, or those that its content gives. */
  readonly ids: readonly string[]
  /** The same for the same key, whatever it is called: what thresholds count. */
  readonly material: string
  /** Ids of OpenPGP subkeys, whose signatures count as those of this key. */
  readonly subkeys: ReadonlyMap<string, LayoutKey>
  readonly verify: (data: Uint8Array, signature: Signature, now: Date) => boolean
}

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['rsa rsassa-pss-sha256', 'rsa-pss-sha256'],
  ['rsa rsa-pkcs1v15-sha256', 'rsa-pkcs1v15-sha256'],
  ['ecdsa ecdsa-sha2-nistp256', 'ecdsa-p256-sha256'],
  ['ecdsa-sha2-nistp256 ecdsa-sha2-nistp256', 'ecdsa-p256-sha256'],
  ['ecdsa ecdsa-sha2-nistp384', 'ecdsa-p384-sha384'],
  ['ecdsa-sha2-nistp384 ecdsa-sha2-nistp384', 'ecdsa-p384-sha384'],
  ['ed25519 ed25519', 'ed25519'],
])

/**
 * Reads a key of a layout. It goes by the id that the layout gives it.
 *
 * @throws SallyportError LAYOUT_FORMAT, LAYOUT_KEY
 */
export function readLayoutKey(value: Json | undefined, where: string, id: string): LayoutKey {
  const object = readMap(value, where)
  if (Object.hasOwn(object, 'keyid') && object['keyid'] !== id) {
    throw refuse(
      'LAYOUT_KEY',
      where,
      `the key ${quote(id, 80)}`,
      `one that says it is ${quote(object['keyid'], 80)}`,
      'Have the owner of the layout write each key under its own id',
    )
  }
  if (Object.hasOwn(object, 'method')) return readGpgKey(object, where, id)
  return { ...readPlainKey(object, where), ids: [id] }
}

/**
 * Reads the file of a public key: JSON of securesystemslib, or PEM, which has no scheme of its own.
 *
 * @throws SallyportError LAYOUT_FORMAT, LAYOUT_KEY
 */
export function readKeyObject(value: JsonObject, where: string): LayoutKey {
  if (Object.hasOwn(value, 'method')) {
    return readGpgKey(value, where, readText(value['keyid'], `${where}.keyid`))
  }
  const key = readPlainKey(value, where)
  const stated = value['keyid']
  return typeof stated === 'string' ? { ...key, ids: [...new Set([stated, ...key.ids])] } : key
}

/** The key of a PEM block, under the scheme that in-toto's tools use for its kind. */
export function readPemKey(pem: string, where: string): LayoutKey {
  const { algorithm, key } = readPublicKey(pem, where)
  const names = {
    rsa: ['rsa', 'rsassa-pss-sha256'],
    'rsa-pss': ['rsa', 'rsassa-pss-sha256'],
    'ecdsa-p256': ['ecdsa', 'ecdsa-sha2-nistp256'],
    'ecdsa-p384': ['ecdsa', 'ecdsa-sha2-nistp384'],
    ed25519: ['ed25519', 'ed25519'],
    'ml-dsa-44': ['', ''],
  } as const
  const [keytype, scheme] = names[algorithm]
  if (keytype === '') throw unknownScheme(where, algorithm, algorithm)
  const value = algorithm === 'ed25519' ? rawEd25519(key) : pem.trim()
  return readPlainKey({ keytype, scheme, keyval: { public: value } }, where)
}

function readPlainKey(object: JsonObject, where: string): LayoutKey {
  readFields(object, where, ['keytype', 'scheme', 'keyval'], ['keyid', 'keyid_hash_algorithms'])
  const keytype = readText(object['keytype'], `${where}.keytype`)
  const scheme = readText(object['scheme'], `${where}.scheme`)
  const keyval = readFields(
    object['keyval'],
    `${where}.keyval`,
    ['public'],
    ['private', 'certificate'],
  )
  if ((keyval['private'] ?? '') !== '') throw privateKey(where)
  const text = readText(keyval['public'], `${where}.keyval.public`)
  const known = schemes.get(`${keytype} ${scheme}`)
  if (known === undefined) throw unknownScheme(where, keytype, scheme)
  const { key, material, algorithm } = readValue(text, keytype, `${where}.keyval.public`)
  if (!isOfScheme(algorithm, known)) throw unknownScheme(where, algorithm, scheme)
  return {
    ids: idsOf(keytype, scheme, text, object['keyid_hash_algorithms'], where),
    material,
    subkeys: new Map(),
    verify: (data, { sig, otherHeaders }) =>
      otherHeaders === undefined && isSignatureGood(known, key, data, sig, 'dsse'),
  }
}

function isOfScheme(algorithm: PublicKey['algorithm'], scheme: Scheme): boolean {
  const family = algorithm === 'rsa-pss' ? 'rsa-pss' : algorithm
  return scheme === family || scheme.startsWith(`${family}-`)
}

function readValue(text: string, keytype: string, where: string): PublicKey {
  if (keytype !== 'ed25519' || text.startsWith('-----')) return readPublicKey(text, where)
  const raw = readHex(text, where)
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`
  return readPublicKey(pem, where)
}

/**
 * The ids that the content of a key gives: SHA-256 over canonical JSON. Whether the algorithms of ids are part of it
 * has changed between releases of in-toto's tools.
 */
function idsOf(
  keytype: string,
  scheme: string,
  text: string,
  algorithms: Json | undefined,
  where: string,
): readonly string[] {
  const bare = { keytype, scheme, keyval: { public: text } }
  const lists = [
    ['sha256', 'sha512'],
    ...(algorithms === undefined
      ? []
      : [readList(algorithms, `${where}.keyid_hash_algorithms`, readText)]),
  ]
  const forms: readonly JsonObject[] = [
    ...lists.toReversed().map((list) => ({ ...bare, keyid_hash_algorithms: list })),
    bare,
  ]
  return [...new Set(forms.map((form) => hash('sha256', encodeOlpc(form, where))))]
}

function rawEd25519(key: KeyObject): string {
  return Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url').toString('hex')
}

function privateKey(where: string): Error {
  const fix = 'Treat the key as compromised, and have its owner make a new one'
  return refuse('LAYOUT_KEY', where, 'a public key', 'a private key (not shown)', fix)
}

function unknownScheme(where: string, keytype: string, scheme: string): Error {
  return refuse(
    'LAYOUT_KEY',
    where,
    'rsassa-pss-sha256, rsa-pkcs1v15-sha256, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384 or ed25519 with a key of that kind',
    `${quote(scheme, 80)} with a key of kind ${quote(keytype, 80)}`,
    'Have the holder of the key make one of these kinds, and put that into the layout',
  )
}
