import { createPublicKey, hash, verify } from 'node:crypto'
import { isAtOrAfter, type JsonObject } from '#document'
import { quote } from '#error'
import { readPublicKey, type PublicKey } from '#trust'
import { readFields, readHex, readMap, readText } from './fields.ts'
import type { LayoutKey, Signature } from './key.ts'
import { malformed, refuse } from './refuse.ts'

const maxSubkeys = 32

/**
 * Reads an OpenPGP key as securesystemslib writes it into layouts: its numbers, when it was made, how long it holds, and
 * its subkeys. Nothing of the OpenPGP packets themselves is read: what the owner of the layout signed is this.
 *
 * @throws SallyportError LAYOUT_FORMAT, LAYOUT_KEY
 */
export function readGpgKey(object: JsonObject, where: string, id: string): LayoutKey {
  readFields(
    object,
    where,
    ['type', 'method', 'keyval'],
    ['keyid', 'hashes', 'creation_time', 'validity_period', 'subkeys'],
  )
  const method = readText(object['method'], `${where}.method`)
  const keyval = readFields(object['keyval'], `${where}.keyval`, ['public'], ['private'])
  const numbers = readMap(keyval['public'], `${where}.keyval.public`)
  const { key, material } = readNumbers(method, numbers, `${where}.keyval.public`)
  const until = readEnd(object, where)
  const subkeys = readSubkeys(object['subkeys'], where)
  return {
    ids: [id],
    material,
    subkeys,
    verify: (data, signature, now) =>
      (until === undefined || !isAtOrAfter(now, until + 1)) && isGood(method, key, data, signature),
  }
}

function readNumbers(method: string, numbers: JsonObject, where: string): PublicKey {
  const number = (name: string): string =>
    Buffer.from(readHex(numbers[name], `${where}.${name}`)).toString('base64url')
  if (method === 'pgp+rsa-pkcsv1.5') {
    return keyOfJwk({ kty: 'RSA', n: number('n'), e: number('e') }, where)
  }
  if (method === 'pgp+eddsa-ed25519') {
    return keyOfJwk({ kty: 'OKP', crv: 'Ed25519', x: number('q') }, where)
  }
  throw refuse(
    'LAYOUT_KEY',
    where,
    'an OpenPGP key for RSA or Ed25519',
    quote(method, 80),
    'Have the functionary use a key of one of these kinds',
  )
}

/** A key of OpenPGP by its numbers. */
function keyOfJwk(jwk: Record<string, string>, where: string): PublicKey {
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    return readPublicKey(String(key.export({ type: 'spki', format: 'pem' })), where)
  } catch (cause) {
    // Whatever OpenSSL says of an attacker's numbers, they are no key.
    const why = cause instanceof Error ? quote(cause.message, 100) : 'none'
    throw refuse('LAYOUT_KEY', where, 'a public key', why, 'Have its owner export the key again')
  }
}

function readEnd(object: JsonObject, where: string): number | undefined {
  const { creation_time: made, validity_period: period } = object
  if (period === undefined) return undefined
  if (Number.isSafeInteger(made) && Number.isSafeInteger(period)) {
    return (Number(made) + Number(period)) * 1000
  }
  throw malformed(
    where,
    'creation_time and validity_period in seconds',
    quote([made ?? null, period]),
  )
}

function readSubkeys(value: JsonObject[string] | undefined, where: string): Map<string, LayoutKey> {
  if (value === undefined) return new Map()
  const entries = Object.entries(readMap(value, `${where}.subkeys`))
  if (entries.length > maxSubkeys) {
    throw malformed(`${where}.subkeys`, `at most ${maxSubkeys} subkeys`, String(entries.length))
  }
  return new Map(
    entries.map(([id, sub]) => {
      const place = `${where}.subkeys.${quote(id, 80)}`
      const object = readMap(sub, place)
      if (object['subkeys'] !== undefined) {
        throw malformed(place, 'a subkey without subkeys of its own', 'some')
      }
      return [id, readGpgKey(object, place, id)]
    }),
  )
}

/** RFC 4880, 5.2.4: the content, the signed part of the signature packet, and its length. */
function isGood(
  method: string,
  key: PublicKey['key'],
  data: Uint8Array,
  { sig, otherHeaders }: Signature,
): boolean {
  if (otherHeaders === undefined) return false
  const trailer = Buffer.alloc(6)
  trailer.writeUInt16BE(0x04ff)
  trailer.writeUInt32BE(otherHeaders.length, 2)
  const content = Buffer.concat([data, otherHeaders, trailer])
  try {
    if (method === 'pgp+rsa-pkcsv1.5') return verify('sha256', content, key, sig)
    // RFC 9580, 5.2.3.3.3: what is signed is the digest, not the content.
    return verify(null, hash('sha256', content, 'buffer'), key, sig)
  } catch {
    return false
  }
}
