import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  sign as signBytes,
  type KeyObject,
} from 'node:crypto'
import { encodeStatement, inTotoPayloadType, pae } from '#attestation'
import { checkShape, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { algorithms, type KeyAlgorithm } from './algorithms.ts'
import { openJournal, type Journal } from './journal.ts'
import { request as requestSchema, type OpenRequest, type Passphrase } from './messages.ts'
import { decryptKey, encryptKey } from './pkcs8.ts'
import type { StatementRule } from './roles/rule.ts'
import { statementRule } from './roles/statement-rule.ts'
import { createMemory, openLogSigner, type LogKeeper } from './roles/log.ts'
import { createSecretFile, readBounded, readSecretFile } from './secret-file.ts'

/** What the process holds after `open`. It never leaves this module. */
interface Held {
  readonly key: KeyObject
  readonly algorithm: KeyAlgorithm
  readonly keyid: string
  readonly rule?: StatementRule
  readonly log?: LogKeeper
  readonly journal?: Journal
}
let held: Held | undefined

/** Answers one request. Everything that arrives is checked here, whatever the parent process checked before. */
export async function answer(message: Json): Promise<JsonObject | null> {
  const request = checkShape(requestSchema, message, { what: 'the request to the signer' })
  switch (request.do) {
    case 'create':
      return create(request.algorithm, request.file, request.passphrase)
    case 'create-memory':
      return { checkpoint: createMemory({ ...request, keys: logKeys(request) }) }
    case 'open':
      return open(request)
    case 'sign':
      return sign(opened(), Buffer.from(request.statement, 'base64'))
    case 'newest':
      return logOf(opened()).newest()
    case 'checkpoint':
      return { note: logOf(opened()).sign(request) }
  }
}

function create(algorithm: KeyAlgorithm, file: string, source: Passphrase): JsonObject {
  const passphrase = readPassphrase(source)
  const { privateKey, publicKey } = generate(algorithm)
  createSecretFile(file, 'a new key', Buffer.from(encryptKey(privateKey, passphrase)))
  passphrase.fill(0)
  return describe(publicKey)
}

function generate(algorithm: KeyAlgorithm): { privateKey: KeyObject; publicKey: KeyObject } {
  switch (algorithm) {
    case 'ecdsa-p256':
      return generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
    case 'ecdsa-p384':
      return generateKeyPairSync('ec', { namedCurve: 'secp384r1' })
    case 'ed25519':
      return generateKeyPairSync('ed25519')
    case 'ml-dsa-44':
      return generateKeyPairSync('ml-dsa-44')
  }
}

function open(request: OpenRequest): JsonObject {
  if (held !== undefined)
    throw wrongState('one key in the life of a signer process', 'a second one')
  const journal =
    request.journalFile === undefined ? {} : { journal: openJournal(request.journalFile) }
  if (request.role.kind === 'log') {
    const keys = logKeys({ ...request, role: request.role })
    const log = openLogSigner({ role: request.role, keys })
    const { keyid, publicKeyPem } = describe(createPublicKey(keys.ed25519))
    held = { key: keys.ed25519, algorithm: 'ed25519', keyid, log, ...journal }
    return { keyid, publicKeyPem, verifierKeys: log.verifierKeys }
  }
  const rule = statementRule(request.role)
  const { key, algorithm } = readKey(request.keyFile, readPassphrase(request.passphrase))
  const { keyid, publicKeyPem } = describe(createPublicKey(key))
  held = { key, algorithm, keyid, rule, ...journal }
  return { keyid, publicKeyPem, verifierKeys: [] }
}

function logKeys(request: {
  readonly keyFile: string
  readonly passphrase: Passphrase
  readonly role: { readonly mlDsaKeyFile: string }
}): { ed25519: KeyObject; mlDsa44: KeyObject } {
  const passphrase = readPassphrase(request.passphrase)
  const ed25519 = keyOf('ed25519', request.keyFile, Buffer.from(passphrase))
  return { ed25519, mlDsa44: keyOf('ml-dsa-44', request.role.mlDsaKeyFile, passphrase) }
}

function keyOf(algorithm: KeyAlgorithm, file: string, passphrase: Buffer): KeyObject {
  const found = readKey(file, passphrase)
  if (found.algorithm === algorithm) return found.key
  throw new SallyportError({
    code: 'SIGNER_KEY_FORMAT',
    where: file,
    expected: `a key of the algorithm ${algorithm}`,
    found: found.algorithm,
    fix: `Name the ${algorithm} key of the log, or make one with \`sallyport init\``,
  })
}

/** Signs a statement after the rule of the role has accepted it, and after that verdict is in the journal. */
function sign(signer: Held, bytes: Uint8Array): JsonObject {
  if (signer.rule === undefined) throw wrongState('a signer of statements', 'the signer of a log')
  try {
    const statement = signer.rule(bytes)
    // What is signed is the canonical encoding of what was checked, never the bytes that came.
    const payload = encodeStatement(statement)
    signer.journal?.signed(statement, payload)
    const { digest } = algorithms[signer.algorithm]
    const signature = signBytes(digest, pae(inTotoPayloadType, payload), signer.key)
    return {
      payload: Buffer.from(payload).toString('base64'),
      signature: signature.toString('base64'),
      keyid: signer.keyid,
    }
  } catch (cause) {
    if (cause instanceof SallyportError) signer.journal?.refused(bytes, cause.code)
    throw cause
  }
}

function readKey(file: string, passphrase: Buffer): ReturnType<typeof decryptKey> {
  const text = readSecretFile(file, 'the key file', 64 * 1024)
  const key = decryptKey(file, text.toString('latin1'), passphrase)
  passphrase.fill(0)
  return key
}

function readPassphrase(source: Passphrase): Buffer {
  const where = 'file' in source ? source.file : 'the inherited descriptor'
  const bytes =
    'file' in source
      ? readSecretFile(where, 'the passphrase file', 4096)
      : readBounded(source.fd, { path: where, what: 'the passphrase', maxBytes: 4096 })
  const passphrase = bytes.subarray(0, bytes.at(-1) === 0x0a ? -1 : undefined)
  if (passphrase.length >= 12) return passphrase
  throw new SallyportError({
    code: 'SIGNER_PASSPHRASE',
    where,
    expected: 'a passphrase of at least 12 bytes in the first line',
    found: `${passphrase.length} bytes`,
    fix: `Write a long passphrase into the file, for example with \`head -c 32 /dev/urandom | base64 > FILE\``,
  })
}

function describe(key: KeyObject): { publicKeyPem: string; keyid: string } {
  const spki = key.export({ type: 'spki', format: 'der' })
  return {
    publicKeyPem: key.export({ type: 'spki', format: 'pem' }) as string,
    keyid: createHash('sha256').update(spki).digest('hex'),
  }
}

function opened(): Held {
  if (held === undefined) throw wrongState('a signer with a key', 'a signer that was not opened')
  return held
}

function logOf(signer: Held): LogKeeper {
  if (signer.log === undefined) throw wrongState('the signer of a log', 'a signer of statements')
  return signer.log
}

function wrongState(expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'SIGNER_MESSAGE',
    where: 'the request to the signer',
    expected,
    found,
    fix: 'Start one signer for each key and role',
  })
}
