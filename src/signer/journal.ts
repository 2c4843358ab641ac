import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import type { Statement } from '#attestation'
import { encodeCanonical, sha256Hex, type JsonObject } from '#document'
import { SallyportError } from '#error'

/** The signer's own record: one line for each verdict, durable before the signature is made. */
export interface Journal {
  signed(statement: Statement, payload: Uint8Array): void
  refused(bytes: Uint8Array, code: string): void
}

export function openJournal(path: string): Journal {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_SYNC, O_WRONLY } = constants
  // O_SYNC: a line is durable when the write returns, also where Node's permission model forbids fsync.
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_SYNC, 0o600)
  const status = fstatSync(file)
  if (!status.isFile() || (status.mode & 0o077) !== 0) {
    closeSync(file)
    throw new SallyportError({
      code: 'SIGNER_FILE_MODE',
      where: path,
      expected: 'a journal that nobody but its owner can read or change (mode 0600)',
      found: `mode 0${(status.mode & 0o7777).toString(8)}`,
      fix: `Run \`chmod 600 ${path}\``,
    })
  }
  const append = (line: JsonObject): void => {
    writeSync(file, Buffer.concat([encodeCanonical(line), Buffer.from('\n')]))
  }
  return {
    signed: (statement, payload) =>
      append({
        time: new Date().toISOString(),
        verdict: 'signed',
        predicateType: statement.predicateType,
        subjects: statement.subject.map(({ digest }) => digest?.['sha256'] ?? ''),
        statement: sha256Hex(payload),
      }),
    refused: (bytes, code) =>
      append({
        time: new Date().toISOString(),
        verdict: 'refused',
        code,
        statement: sha256Hex(bytes),
      }),
  }
}
