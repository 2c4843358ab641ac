import type { Json, JsonObject } from '#document'
import { quote } from '#error'
import { placeOf, readObject, readText, refuse, tooMuch } from './field.ts'

/**
 * Digests of one thing by algorithm, in lower-case hexadecimal. The names and lengths of the algorithms that
 * in-toto's registry defines have been checked; others are kept as they were written and match nothing.
 */
export interface DigestSet {
  readonly [algorithm: string]: string
}

const maxAlgorithms = 32

/** in-toto's digest_set.md: how many hexadecimal characters each algorithm gives. */
const lengths: ReadonlyMap<string, readonly number[]> = new Map([
  ['md5', [32]],
  ['sha1', [40]],
  ['ripemd160', [40]],
  ['sha224', [56]],
  ['sha512_224', [56]],
  ['sha3_224', [56]],
  ['sha256', [64]],
  ['sha512_256', [64]],
  ['sha3_256', [64]],
  ['blake2s', [64]],
  ['sm3', [64]],
  ['sha384', [96]],
  ['sha3_384', [96]],
  ['sha512', [128]],
  ['sha3_512', [128]],
  ['blake2b', [128]],
  // Git objects are named by SHA-1 or, in newer repositories, by SHA-256.
  ['gitCommit', [40, 64]],
  ['gitTree', [40, 64]],
  ['gitBlob', [40, 64]],
  ['gitTag', [40, 64]],
])

const hexadecimal = /^[0-9a-f]+$/

export function readDigestSet(value: Json | undefined, where: string): DigestSet {
  const digests = Object.entries(readObject(value, where))
  if (digests.length > maxAlgorithms) {
    throw tooMuch(where, `at most ${maxAlgorithms} algorithms`, digests.length)
  }
  return Object.fromEntries(
    digests.map(([algorithm, digest]) => [algorithm, readDigest(algorithm, digest, where)]),
  )
}

/** A digest set that identifies something: it has at least one digest. */
export function readSomeDigest(value: Json | undefined, where: string): DigestSet {
  const digests = readDigestSet(value, where)
  if (Object.keys(digests).length > 0) return digests
  throw refuse(
    'ATTESTATION_DIGEST',
    where,
    'at least one digest, such as sha256',
    'none',
    `Make the attestation again with a tool that writes the artifact's digest in ${where}`,
  )
}

export function digestSetJson(digests: DigestSet): JsonObject {
  return Object.fromEntries(Object.entries(digests))
}

function readDigest(algorithm: string, value: Json, where: string): string {
  const place = placeOf(where, algorithm)
  const digest = readText(value, place)
  const allowed = lengths.get(algorithm)
  if (allowed === undefined) return digest
  if (allowed.includes(digest.length) && hexadecimal.test(digest)) return digest
  const expected = `${allowed.join(' or ')} lower-case hexadecimal characters`
  throw refuse(
    'ATTESTATION_DIGEST',
    place,
    expected,
    `${quote(digest, 140)} (${digest.length} characters)`,
    `Make the attestation again with a tool that writes ${algorithm} digests as ${expected}`,
  )
}
