import { access } from 'node:fs/promises'
import type { KeyFiles } from '#config'
import { SallyportError } from '#error'
import { createKey, type StatementSigner } from '#signer'
import { HomeFiles } from '../init/files.ts'
import { startStatementSigner } from '../statement-signer.ts'

/** The key of one approver, in a home or anywhere, and the folder in which stands what it has signed. */
export interface ApproverKey extends KeyFiles {
  readonly home: string
}

export interface BreakglassKeyReport {
  readonly keyid: string
  readonly publicKeyPem: string
  readonly file: string
}

/**
 * Makes the key of one approver, and a passphrase for it where there is none.
 *
 * @throws SallyportError BREAKGLASS_KEY when there is one
 */
export async function makeBreakglassKey(key: ApproverKey): Promise<BreakglassKeyReport> {
  const { home, file, passphraseFile } = key
  const files = new HomeFiles(home)
  if (await files.has(file)) {
    throw new SallyportError({
      code: 'BREAKGLASS_KEY',
      where: file,
      expected: 'no key yet',
      found: 'one that is there',
      fix: 'Use it, or move it away and retire it in the trust file',
    })
  }
  await files.passphrase(passphraseFile)
  return { ...(await createKey({ algorithm: 'ecdsa-p256', file, passphraseFile })), file }
}

/** @throws SallyportError BREAKGLASS_KEY when there is none; else as `startSigner` does */
export async function startApproverSigner(key: ApproverKey): Promise<StatementSigner> {
  const { home, file, passphraseFile } = key
  const isThere = await access(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  if (isThere) {
    return await startStatementSigner({ home }, { file, passphraseFile }, { kind: 'breakglass' })
  }
  throw new SallyportError({
    code: 'BREAKGLASS_KEY',
    where: file,
    expected: 'the key of an approver',
    found: 'no such file',
    fix: 'Name your key with --key FILE; whoever has none makes one with `sallyport breakglass key`, and it counts when its public half stands in the trust file of the gate',
  })
}
