import { join } from 'node:path'
import type { Config, KeyFiles } from '#config'
import { startSigner, type StatementSigner, type StatementSignerOptions } from '#signer'

/**
 * Starts the process of one of the keys of this home that sign statements. What it signs and what it refuses to sign
 * stands in `signatures.jsonl` of the home before there is a signature (KEY-22).
 */
export function startStatementSigner(
  { home }: Pick<Config, 'home'>,
  { file, passphraseFile }: KeyFiles,
  role: StatementSignerOptions['role'],
): Promise<StatementSigner> {
  const journalFile = join(home, 'signatures.jsonl')
  return startSigner({ keyFile: file, passphraseFile, role, journalFile })
}
