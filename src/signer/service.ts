import { createHash, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { checkShape, type Json, type JsonObject } from '#document'
import { SallyportError } from '#error'
import type { KeyAlgorithm } from './algorithms.ts'
import { request as requestSchema, type OpenRequest, type Passphrase } from './messages.ts'
import { decryptKey, encryptKey } from './pkcs8.ts'
import type { LogKeeper } from './roles/log.ts'
import type { StatementKeeper } from './roles/statement.ts'
import type { WitnessKeeper } from './roles/witness.ts'
import { createSecretFile, readBounded, readSecretFile } from './secret-file.ts'

/** What the process holds after `open`. It never leaves this module. */
type Held =
  | { readonly kind: 'log'; readonly log: LogKeeper }
  | { readonly kind: 'statements'; readonly statements: StatementKeeper }
  | { readonly kind: 'witness'; readonly witness: WitnessKeeper }
let held: Held | undefined

// A signer has one role, and starts for each command: what only other roles need is not loaded.
const logRole = (): Promise<typeof import('./roles/log.ts')> => import('./roles/log.ts')
const statementRole = (): Promise<typeof import('./roles/statement.ts')> =>
  import('./roles/statement.ts')
const witnessRole = (): Promise<typeof import('./roles/witness.ts')> => import('./roles/witness.ts')

/** What is left to do of a request: those behind it need not wait for that. */
export type Rest = () => Promise<JsonObject | null>

/** Answers one request. Everything that arrives is checked here, whatever the parent process checked before. */
export async function answer(message: Json): Promise<JsonObject | Rest | null> {
  const request = checkShape(requestSchema, message, { what: 'the request to the signer' })
  switch (request.do) {
    case 'create':
      return create(request.algorithm, request.file, request.passphrase)
    case 'create-memory':
      return {
        checkpoint: (await logRole()).createMemory({ ...request, keys: logKeys(request) }),
      }
    case 'open':
      return open(request)
    case 'sign':
      return statementsOf(opened()).sign(Buffer.from(request.statement, 'base64'))
    case 'newest':
      return logOf(opened()).newest()
    case 'remember':
      logOf(opened()).remember(request)
      return null
    case 'checkpoint': {
      const sign = logOf(opened()).sign(request)
      return async () => ({ note: await sign() })
    }
    case 'cosign':
      return { lines: witnessOf(opened()).cosign(request.origin, request.checkpoint) }
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

async function open(request: OpenRequest): Promise<JsonObject> {
  if (held !== undefined)
    throw wrongState('one key in the life of a signer process', 'a second one')
  const { role, journalFile } = request
  if (role.kind === 'log') {
    const keys = logKeys({ ...request, role })
    const log = (await logRole()).openLogSigner({ role, keys })
    held = { kind: 'log', log }
    const { verifierKeys, journalKey } = log
    return { ...describe(createPublicKey(keys.ed25519)), verifierKeys, journalKey }
  }
  if (role.kind === 'witness') {
    const keys = logKeys({ ...request, role })
    const witness = (await witnessRole()).openWitnessSigner({ role, keys })
    held = { kind: 'witness', witness }
    return { ...describe(createPublicKey(keys.ed25519)), verifierKeys: witness.verifierKeys }
  }
  const { openStatements } = await statementRole()
  if (journalFile === undefined)
    throw wrongState('a journal beside a key that signs statements', 'none')
  const toHold = openStatements({ role, journalFile })
  const { key, algorithm } = readKey(request.keyFile, readPassphrase(request.passphrase))
  const described = describe(createPublicKey(key))
  held = { kind: 'statements', statements: toHold({ key, algorithm, keyid: described.keyid }) }
  return { ...described, verifierKeys: [] }
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
  if (signer.kind === 'log') return signer.log
  throw wrongState('the signer of a log', 'another signer')
}

function witnessOf(signer: Held): WitnessKeeper {
  if (signer.kind === 'witness') return signer.witness
  throw wrongState('the signer of a witness', 'another signer')
}

function statementsOf(signer: Held): StatementKeeper {
  if (signer.kind === 'statements') return signer.statements
  throw wrongState('a signer of statements', 'another signer')
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
