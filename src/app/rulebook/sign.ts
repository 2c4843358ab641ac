import { open, rename } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { encodeEnvelope, parseEnvelope, type Envelope } from '#attestation'
import type { Config } from '#config'
import { SallyportError } from '#error'
import { createKey } from '#signer'
import { identifyFile, ownersOf, rulebookStatement, type RulebookFile } from '#trust'
import { HomeFiles } from '../init/files.ts'
import { readFileBounded } from '../input.ts'
import { startStatementSigner } from '../statement-signer.ts'
import { currentKeys, readIfThere } from './signed.ts'

/** The key of one owner of a rulebook. */
export interface OwnerKey {
  /** Default `keys/rulebook.pem` in the home folder. */
  readonly key?: string
  /** Default `keys/rulebook.pass`. */
  readonly passphraseFile?: string
}

export interface SignFileOptions extends OwnerKey {
  readonly config: Config
  /** A policy, meta-policy, trust file, or file of keys. */
  readonly file: string
}

export interface SignFileReport {
  readonly file: string
  /** What the signature is over. */
  readonly edition: RulebookFile
  readonly signatures: string
  readonly keyid: string
  /** How many signatures are beside the file now. */
  readonly count: number
  /** Owners of the keys that count now who have signed, and how many have to; only where they are configured. */
  readonly owners?: readonly string[]
  readonly threshold?: number
}

/**
 * Adds one owner's signature to those beside a file. Signatures over an older edition are left behind: they say nothing about
 * this one.
 */
export async function signRulebookFile(options: SignFileOptions): Promise<SignFileReport> {
  const { config, file } = options
  const bytes = await readFileBounded(file)
  const found = identifyFile(bytes, file)
  const key = keyFilesOf(config, options)
  await using signer = await startStatementSigner(config, key, { kind: 'rulebook' })
  const signed = await signer.sign(rulebookStatement(found))
  const signatures = `${file}.sig`
  const envelope = addTo(await existing(signatures), signed)
  await replaceFile(signatures, encodeEnvelope(envelope))
  const { rulebook } = config
  const keys = rulebook && (await currentKeys(rulebook, config.home, config.file))
  return {
    file,
    edition: found,
    signatures,
    keyid: signer.keyid,
    count: envelope.signatures.length,
    ...(keys === undefined
      ? {}
      : { owners: [...ownersOf(envelope, keys)], threshold: keys.threshold }),
  }
}

export interface RulebookKeyReport {
  readonly owner: string
  readonly keyid: string
  readonly publicKeyPem: string
  readonly file: string
}

/** Makes the key of one owner; the private half never leaves its process but encrypted. */
export async function makeRulebookKey(
  config: Config,
  owner: string,
  key: OwnerKey,
): Promise<RulebookKeyReport> {
  const { file, passphraseFile } = keyFilesOf(config, key)
  const files = new HomeFiles(config.home)
  await files.passphrase(passphraseFile)
  const made = await createKey({ algorithm: 'ecdsa-p256', file, passphraseFile })
  return { owner, ...made, file: relative(config.home, file) }
}

function keyFilesOf({ home }: Config, { key, passphraseFile }: OwnerKey) {
  return {
    file: key === undefined ? join(home, 'keys/rulebook.pem') : resolve(key),
    passphraseFile:
      passphraseFile === undefined ? join(home, 'keys/rulebook.pass') : resolve(passphraseFile),
  }
}

async function existing(file: string): Promise<Envelope | undefined> {
  const bytes = await readIfThere(file)
  return bytes === undefined ? undefined : parseEnvelope(bytes)
}

function addTo(old: Envelope | undefined, signed: Envelope): Envelope {
  const isSame = old !== undefined && Buffer.compare(old.payload, signed.payload) === 0
  if (!isSame) return signed
  const [mine] = signed.signatures
  const others = old.signatures.filter(({ keyid }) => keyid !== mine?.keyid)
  return { ...signed, signatures: [...others, ...signed.signatures] }
}

/** Whole or not at all: a reader sees the signatures before or those after. */
async function replaceFile(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = `${file}.${process.pid}.new`
  try {
    {
      await using handle = await open(temporary, 'w', 0o644)
      await handle.writeFile(bytes)
      await handle.sync()
    }
    await rename(temporary, file)
    await using folder = await open(dirname(file), 'r')
    await folder.sync()
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNWRITABLE',
        where: file,
        expected: 'a place this user can write to',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Make the folder of ${file} writable, and sign again`,
      },
      { cause },
    )
  }
}
