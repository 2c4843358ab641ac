import { constants, hash as hashOf, publicDecrypt, type KeyObject } from 'node:crypto'
import type { HashName } from './scheme.ts'

/** RFC 8017 §9.2: DigestInfo in DER, before the digest. */
const digestInfo: Readonly<Record<HashName, Buffer>> = {
  sha256: Buffer.from('3031300d060960864801650304020105000420', 'hex'),
  sha384: Buffer.from('3041300d060960864801650304020205000430', 'hex'),
  sha512: Buffer.from('3051300d060960864801650304020305000440', 'hex'),
}

const digestBytes: Readonly<Record<HashName, number>> = { sha256: 32, sha384: 48, sha512: 64 }

/** RSASSA-PKCS1-v1_5 (RFC 8017 §8.2.2) over a digest: the encoded message is made and compared, never parsed. */
export function verifyPkcs1Digest(
  key: KeyObject,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  if (digest.length !== digestBytes[hash]) return false
  const found = recover(key, signature)
  if (found === undefined) return false
  const info = Buffer.concat([digestInfo[hash], digest])
  const expected = Buffer.alloc(found.length, 0xff)
  expected.set([0, 1], 0)
  expected.set([0], found.length - info.length - 1)
  expected.set(info, found.length - info.length)
  return found.equals(expected)
}

/**
 * How long the salt of RSASSA-PSS may be: as the hash, which is what standards fix, or as long as there is room, which is
 * what Go's signers do. Any other length is a signer that nobody knows.
 */
export function saltLengths(modulusBits: number, hash: HashName): readonly number[] {
  const size = digestBytes[hash]
  return [size, Math.ceil((modulusBits - 1) / 8) - size - 2]
}

/** RSASSA-PSS (RFC 8017 §8.1.2) over a digest, MGF1 with the same hash. */
export function verifyPssDigest(
  key: KeyObject,
  hash: HashName,
  digest: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  const recovered = recover(key, signature)
  if (recovered === undefined || digest.length !== digestBytes[hash]) return false
  const encodedBits = modulusLength - 1
  // A modulus of 8k + 1 bits leaves the first byte empty.
  const isLonger = recovered.length > Math.ceil(encodedBits / 8)
  if (isLonger && recovered[0] !== 0) return false
  return pssHolds(isLonger ? recovered.subarray(1) : recovered, encodedBits, hash, digest)
}

/** EMSA-PSS-VERIFY (RFC 8017 §9.1.2). */
function pssHolds(
  encoded: Buffer,
  encodedBits: number,
  hash: HashName,
  digest: Uint8Array,
): boolean {
  const size = digest.length
  if (encoded.length < size + 2 || encoded.at(-1) !== 0xbc) return false
  const masked = encoded.subarray(0, -size - 1)
  const check = encoded.subarray(-size - 1, -1)
  const topMask = 0xff >> (8 * encoded.length - encodedBits)
  if (((masked[0] ?? 0) & ~topMask) !== 0) return false
  const block = unmask(masked, check, hash)
  block[0] = (block[0] ?? 0) & topMask
  const mark = block.findIndex((byte) => byte !== 0)
  if (mark < 0 || block[mark] !== 1) return false
  const saltLength = block.length - mark - 1
  if (!saltLengths(encodedBits + 1, hash).includes(saltLength)) return false
  const salted = Buffer.concat([Buffer.alloc(8), digest, block.subarray(mark + 1)])
  return hashOf(hash, salted, 'buffer').equals(check)
}

/** The RSA public operation alone. */
function recover(key: KeyObject, signature: Uint8Array): Buffer | undefined {
  const { modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (signature.length !== Math.ceil(modulusLength / 8)) return undefined
  return publicDecrypt({ key, padding: constants.RSA_NO_PADDING }, signature)
}

function unmask(masked: Buffer, seed: Buffer, hash: HashName): Buffer {
  const block = Buffer.from(masked)
  const counter = Buffer.alloc(4)
  for (let at = 0, count = 0; at < block.length; count += 1) {
    counter.writeUInt32BE(count)
    for (const byte of hashOf(hash, Buffer.concat([seed, counter]), 'buffer')) {
      if (at < block.length) block[at] = (block[at] ?? 0) ^ byte
      at += 1
    }
  }
  return block
}
