import { inTotoPayloadType, encodeStatement, type Envelope, type Statement } from '#attestation'
import { SallyportError } from '#error'
import type { SigningRequest, TreeHead } from '#merkle'
import type { KeyAlgorithm } from './algorithms.ts'
import { Channel, type ChannelOptions } from './channel.ts'
import { maxStatementBytes } from './frames.ts'
import type {
  ApproverRole,
  BreakglassRole,
  BuilderRole,
  LogRole,
  Passphrase,
  RulebookRole,
  VerifierRole,
  WitnessRole,
} from './messages.ts'

/** What is public of a key. */
export interface PublicKey {
  readonly publicKeyPem: string
  /** Lower-case hexadecimal SHA-256 of the public key's SPKI DER. */
  readonly keyid: string
}

export interface SignerProcess extends PublicKey, AsyncDisposable {
  /** Of the process that holds the key. */
  readonly pid: number
  /** Resolves when the process has ended, whatever ended it. */
  readonly ended: Promise<void>
  /** Ends the process; the key is then in no memory. */
  close(): Promise<void>
}

/** Signs statements its role allows. A refusal is a SallyportError with a code of its own. */
export interface StatementSigner extends SignerProcess {
  sign(statement: Statement): Promise<Envelope>
}

/** Signs checkpoints of one log; it MUST be asked before a checkpoint is shown to anybody. */
export interface LogSigner extends SignerProcess {
  readonly origin: string
  readonly verifierKeys: readonly string[]
  /** Derived from the key, 32 bytes, the same for every signer with it: what users of this signer know each other's records by. */
  readonly journalKey: Uint8Array
  newest(): Promise<TreeHead>
  /**
   * Remembers a tree: from then on no tree is signed that does not extend it, whoever is killed. A power failure may take away what came
   * within a quarter of a second of the last that was durable.
   */
  remember(request: SigningRequest): Promise<void>
  /** Remembers a tree, durably, and signs a checkpoint of it with both keys. */
  sign(request: SigningRequest): Promise<string>
}

/** Cosigns checkpoints of the logs that its role names. */
export interface WitnessSigner extends SignerProcess {
  readonly name: string
  readonly verifierKeys: readonly string[]
  cosign(origin: string, checkpoint: string): Promise<string>
}

export interface CreateKeyOptions {
  readonly algorithm: KeyAlgorithm
  readonly file: string
  readonly passphraseFile: string
}

interface StartOptions {
  readonly keyFile: string
  readonly passphraseFile?: string
  /** An open descriptor to read the passphrase from, instead of a file. The caller closes its own end. */
  readonly passphraseFd?: number
  /** How long one answer may take; default 30 seconds. */
  readonly timeoutMs?: number
}
export interface StatementSignerOptions extends StartOptions {
  readonly role: BuilderRole | ApproverRole | RulebookRole | VerifierRole | BreakglassRole
  /** Where the signer writes a line for each verdict, before it signs. It may be one file for several keys. */
  readonly journalFile: string
}
export interface LogSignerOptions extends StartOptions {
  readonly role: LogRole
}
export interface WitnessSignerOptions extends StartOptions {
  readonly role: WitnessRole
}

/**
 * Makes a key pair in a process of its own. The private key is written encrypted (PKCS#8, scrypt, AES-256), mode
 * 0600, and nowhere else; a file that exists is never overwritten.
 */
export async function createKey(options: CreateKeyOptions): Promise<PublicKey> {
  const channel = new Channel({ files: 'durable', timeoutMs: 60_000 })
  try {
    const { algorithm, file, passphraseFile } = options
    return await channel.call({
      do: 'create',
      algorithm,
      file,
      passphrase: { file: passphraseFile },
    })
  } finally {
    await channel.close()
  }
}

/**
 * Makes the memory of a log's signer: a signed checkpoint of the empty log. To be done once, when the keys of the log
 * are made; a signer whose memory is gone refuses to sign instead of starting over.
 */
export async function createCheckpointMemory(options: LogSignerOptions): Promise<string> {
  const channel = openChannel(options, 'durable')
  try {
    const { keyFile, role } = options
    const request = {
      do: 'create-memory',
      keyFile,
      passphrase: passphraseOf(options),
      role,
    } as const
    return (await channel.call(request)).checkpoint
  } finally {
    await channel.close()
  }
}

/**
 * Starts a process that holds one key and signs only what it has itself checked for its role. No other process ever
 * has the key or the passphrase.
 */
export function startSigner(options: LogSignerOptions): Promise<LogSigner>
export function startSigner(options: WitnessSignerOptions): Promise<WitnessSigner>
export function startSigner(options: StatementSignerOptions): Promise<StatementSigner>
export async function startSigner(
  options: LogSignerOptions | WitnessSignerOptions | StatementSignerOptions,
): Promise<LogSigner | WitnessSigner | StatementSigner> {
  const { role, keyFile } = options
  const journalFile = 'journalFile' in options ? options.journalFile : undefined
  const files = role.kind === 'log' ? 'durable' : journalFile === undefined ? 'read' : 'append'
  const channel = openChannel(options, files)
  try {
    const opened = await channel.call({
      do: 'open',
      keyFile,
      passphrase: passphraseOf(options),
      role,
      ...(journalFile === undefined ? {} : { journalFile }),
    })
    const { keyid, publicKeyPem, verifierKeys, journalKey } = opened
    const common = {
      keyid,
      publicKeyPem,
      pid: channel.pid ?? 0,
      ended: channel.ended,
      close: () => channel.close(),
      [Symbol.asyncDispose]: () => channel.close(),
    }
    if (role.kind === 'log') {
      // An empty key would be one that everybody has.
      if (journalKey === undefined) throw new TypeError('a signer of a log without a journal key')
      return {
        ...common,
        ...logMethods(channel),
        origin: role.origin,
        verifierKeys,
        journalKey: new Uint8Array(Buffer.from(journalKey, 'base64')),
      }
    }
    if (role.kind === 'witness')
      return {
        ...common,
        name: role.name,
        verifierKeys,
        cosign: async (origin, checkpoint) =>
          (await channel.call({ do: 'cosign', origin, checkpoint })).lines,
      }
    return { ...common, sign: (statement: Statement) => signStatement(channel, statement) }
  } catch (cause) {
    await channel.close()
    throw cause
  }
}

function openChannel(options: StartOptions, files: ChannelOptions['files']): Channel {
  const { passphraseFd, timeoutMs = 30_000 } = options
  return new Channel({
    files,
    timeoutMs,
    ...(passphraseFd === undefined ? {} : { passphraseFd }),
  })
}

function passphraseOf({ passphraseFile, passphraseFd }: StartOptions): Passphrase {
  if ((passphraseFile === undefined) === (passphraseFd === undefined))
    throw new TypeError('exactly one of passphraseFile and passphraseFd must be given')
  return passphraseFile === undefined ? { fd: 4 } : { file: passphraseFile }
}

async function signStatement(channel: Channel, statement: Statement): Promise<Envelope> {
  const bytes = encodeStatement(statement)
  if (bytes.length > maxStatementBytes) {
    throw new SallyportError({
      code: 'SIGNER_MESSAGE',
      where: 'the statement',
      expected: `at most ${maxStatementBytes} bytes`,
      found: `${bytes.length} bytes`,
      fix: 'Name fewer materials in one recipe, or split it into several packages',
    })
  }
  const { payload, signature, keyid } = await channel.call({
    do: 'sign',
    statement: Buffer.from(bytes).toString('base64'),
  })
  return {
    payloadType: inTotoPayloadType,
    payload: new Uint8Array(Buffer.from(payload, 'base64')),
    signatures: [{ keyid, sig: new Uint8Array(Buffer.from(signature, 'base64')) }],
  }
}

function logMethods(channel: Channel): Pick<LogSigner, 'newest' | 'remember' | 'sign'> {
  const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')
  const encoded = ({ size, root, consistency }: SigningRequest) => ({
    size,
    root: encode(root),
    consistency: consistency.map(encode),
  })
  return {
    newest: async () => {
      const newest = await channel.call({ do: 'newest' })
      return { size: newest.size, root: new Uint8Array(Buffer.from(newest.root, 'base64')) }
    },
    remember: async (request) => {
      await channel.call({ do: 'remember', ...encoded(request) })
    },
    sign: async (request) => (await channel.call({ do: 'checkpoint', ...encoded(request) })).note,
  }
}
