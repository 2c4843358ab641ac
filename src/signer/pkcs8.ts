import {
  createCipheriv,
  createPrivateKey,
  randomBytes,
  scryptSync,
  type KeyObject,
} from 'node:crypto'
import { SallyportError } from '#error'
import { algorithmOf, keyAlgorithms, type KeyAlgorithm } from './algorithms.ts'

// OpenSSL, through Node, derives PKCS#8 keys with 2,048 rounds of PBKDF2, which is too few for a passphrase
// that a person chose, and offers no way to raise it. So the container is written here, by RFC 5958, RFC 8018
// (PBES2) and RFC 7914 §7 (scrypt); OpenSSL and Node read it. N=2^14, r=8, p=5 is OWASP's setting that stays
// below OpenSSL's memory bound of 32 MiB.
const chosen = { N: 16_384, r: 8, p: 5 } as const
// What is stretched is a guess at a passphrase. At 256 random bits nobody guesses, at no cost, and the process that opens
// two such keys for every decision should not spend half a second on it. The file says which cost it was made with.
const generated = { N: 1024, r: 8, p: 1 } as const
const maxmem = 64 * 1024 * 1024

const oid = {
  pbes2: '06092a864886f70d01050d',
  scrypt: '06092b06010401da47040b',
  aes256Cbc: '060960864801650304012a',
} as const

const label = 'ENCRYPTED PRIVATE KEY'

/**
 * Whether a passphrase is one that `sallyport init` made: 32 random bytes in base64url, behind a word that nobody
 * writes by accident. Every other passphrase may be one that a person chose.
 */
function isGenerated(passphrase: Uint8Array): boolean {
  return /^sallyport-generated:[A-Za-z0-9_-]{43}$/.test(Buffer.from(passphrase).toString('latin1'))
}

/** EncryptedPrivateKeyInfo as PEM: scrypt, AES-256-CBC. */
export function encryptKey(key: KeyObject, passphrase: Uint8Array): string {
  const cost = isGenerated(passphrase) ? generated : chosen
  const salt = randomBytes(16)
  const iv = randomBytes(16)
  const derived = scryptSync(passphrase, salt, 32, { ...cost, maxmem })
  const cipher = createCipheriv('aes-256-cbc', derived, iv)
  const plain = key.export({ type: 'pkcs8', format: 'der' })
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()])
  plain.fill(0)
  derived.fill(0)
  const scrypt = sequence(
    Buffer.from(oid.scrypt, 'hex'),
    sequence(octets(salt), integer(cost.N), integer(cost.r), integer(cost.p), integer(32)),
  )
  const aes = sequence(Buffer.from(oid.aes256Cbc, 'hex'), octets(iv))
  const pbes2 = sequence(Buffer.from(oid.pbes2, 'hex'), sequence(scrypt, aes))
  return pem(sequence(pbes2, octets(encrypted)))
}

/** Opens an encrypted key. An unencrypted one is refused, whoever owns the file. */
export function decryptKey(
  file: string,
  text: string,
  passphrase: Uint8Array,
): { readonly key: KeyObject; readonly algorithm: KeyAlgorithm } {
  if (!text.startsWith(`-----BEGIN ${label}-----\n`)) {
    throw new SallyportError({
      code: 'SIGNER_KEY_FORMAT',
      where: file,
      expected: `a PEM file that begins with "-----BEGIN ${label}-----"`,
      found: /-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
        ? 'a private key that is not encrypted'
        : 'something else',
      fix: `Encrypt the key (\`openssl pkcs8 -topk8 -scrypt -in OLD -out ${file}\`), or make a new one with \`sallyport init\``,
    })
  }
  const key = open(file, text, passphrase)
  const algorithm = algorithmOf(key)
  if (algorithm !== undefined) return { key, algorithm }
  throw new SallyportError({
    code: 'SIGNER_KEY_FORMAT',
    where: file,
    expected: `a key of one of the algorithms ${keyAlgorithms.join(', ')}`,
    found:
      `${key.asymmetricKeyType ?? 'unknown'} ${key.asymmetricKeyDetails?.namedCurve ?? ''}`.trim(),
    fix: 'Make a key of one of these algorithms with `sallyport init`',
  })
}

function open(file: string, text: string, passphrase: Uint8Array): KeyObject {
  try {
    return createPrivateKey({ key: text, format: 'pem', passphrase: Buffer.from(passphrase) })
  } catch {
    // The cause is not kept: nothing that touched a key or a passphrase goes into an error.
    throw new SallyportError({
      code: 'SIGNER_PASSPHRASE',
      where: file,
      expected: 'the passphrase this key was encrypted with, and an undamaged key file',
      found: 'a passphrase that does not open it',
      fix: 'Name the passphrase file that was made together with this key, or restore the key from its backup',
    })
  }
}

function pem(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts))
}

function octets(bytes: Buffer): Buffer {
  return tagged(0x04, bytes)
}

function integer(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return tagged(0x02, (bytes[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.of(0), bytes]) : bytes)
}

/** DER: lengths from 128 on are written as a count of bytes and the bytes. */
function tagged(tag: number, content: Buffer): Buffer {
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content])
  const hex = content.length.toString(16)
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content])
}
