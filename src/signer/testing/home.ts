import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createKey, type CreateKeyOptions, type PublicKey } from '../client.ts'

export const passphrase = 'correct horse battery staple'

/** A private folder with a passphrase file; gone after the test. */
export function home(context: { after(clean: () => void): void }): {
  folder: string
  passphraseFile: string
} {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-signer-'))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const passphraseFile = join(folder, 'key.pass')
  writeFileSync(passphraseFile, `${passphrase}\n`)
  chmodSync(passphraseFile, 0o600)
  return { folder, passphraseFile }
}

export async function newKey(
  folder: string,
  algorithm: CreateKeyOptions['algorithm'] = 'ecdsa-p256',
  name: string = algorithm,
): Promise<PublicKey & { keyFile: string; passphraseFile: string; journalFile: string }> {
  const keyFile = join(folder, `${name}.pem`)
  const passphraseFile = join(folder, 'key.pass')
  return {
    ...(await createKey({ algorithm, file: keyFile, passphraseFile })),
    keyFile,
    passphraseFile,
    journalFile: join(folder, 'signatures.jsonl'),
  }
}

const shared = new Map<CreateKeyOptions['algorithm'], ReturnType<typeof newKey>>()
let sharedFolder: string | undefined

/** One key of each kind for all tests of a file that need some key: deriving it from a passphrase is slow on purpose. */
export function anyKey(
  algorithm: CreateKeyOptions['algorithm'] = 'ecdsa-p256',
): ReturnType<typeof newKey> {
  sharedFolder ??= home({ after: (clean) => void process.on('exit', clean) }).folder
  const key = shared.get(algorithm) ?? newKey(sharedFolder, algorithm)
  shared.set(algorithm, key)
  return key
}
