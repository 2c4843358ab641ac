import { dirname, resolve } from 'node:path'
import type { ApproverKey } from '#app'
import { SallyportError } from '#error'
import type { CommandLine } from '../../command-line.ts'
import type { Session } from '../../session.ts'
import { homeOr } from './at-gate.ts'

export interface KeyOptions {
  readonly key?: string
  readonly passphraseFile?: string
}

/** An approver needs a key, and no home. */
export function keyOptions(
  command: CommandLine,
  description = 'your key (default: the one in the home of this machine)',
): CommandLine {
  return command
    .option('--key <file>', description)
    .option('--passphrase-file <file>', 'with --key: its passphrase (default: KEY.passphrase)')
}

/** @throws SallyportError USAGE_VALUE for a passphrase without its key */
export async function ownKey(
  session: Session,
  name: string,
  { key, passphraseFile }: KeyOptions,
): Promise<ApproverKey> {
  if (key !== undefined) {
    const file = resolve(session.cwd, key)
    const passphrase = passphraseFile ?? `${key}.passphrase`
    return { home: dirname(file), file, passphraseFile: resolve(session.cwd, passphrase) }
  }
  if (passphraseFile === undefined) {
    const { home, keys } = await homeOr(
      session,
      'Name your key with --key FILE; `sallyport breakglass key --key FILE` makes one',
    )
    return { home, ...keys.breakglass }
  }
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: `sallyport breakglass ${name} --passphrase-file`,
    expected: '--key FILE, which it opens',
    found: 'no --key',
    fix: 'Add --key, or leave both out to use the key in the home of this machine',
  })
}
