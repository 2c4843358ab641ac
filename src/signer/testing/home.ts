import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createKey, type CreateKeyOptions, type PublicKey } from '../client.ts'

export const passphrase = 'correct horse battery staple'

/** A private folder with a passphrase file; gone after the test. */
export function home(context: Pick<TestContext, 'after'>): {
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
): Promise<PublicKey & { keyFile: string; passphraseFile: string }> {
  const keyFile = join(folder, `${name}.pem`)
  const passphraseFile = join(folder, 'key.pass')
  return {
    ...(await createKey({ algorithm, file: keyFile, passphraseFile })),
    keyFile,
    passphraseFile,
  }
}
