import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Statement } from '#attestation'
import { encodeCanonical, sha256Hex, type JsonObject } from '#document'
import { quote, SallyportError } from '#error'

/** The signer's own record: one line for each verdict, durable before the signature is made. */
export interface Journal {
  signed(statement: Statement, payload: Uint8Array): void
  refused(bytes: Uint8Array, code: string): void
}

/** Whose verdicts they are: several keys may write into one journal. */
export interface JournalKey {
  readonly role: string
  readonly keyid: string
}

/**
 * Opens a journal for appending, and makes it when it is not there.
 *
 * @throws SallyportError SIGNER_JOURNAL · SIGNER_FILE_MODE
 */
export function openJournal(path: string): (key: JournalKey) => Journal {
  const file = openFile(path)
  const requester = whoRunsThis()
  const append = (line: JsonObject): void => {
    const bytes = Buffer.concat([encodeCanonical(line), Buffer.from('\n')])
    try {
      // Less than all of it on a full disk; what follows is a line of its own all the same.
      if (writeSync(file, bytes) < bytes.length) throw new Error('the disk took a part of the line')
    } catch (error) {
      throw unwritable(path, error)
    }
  }
  return ({ role, keyid }) => {
    const verdict = (kind: string, more: JsonObject): void =>
      append({ time: new Date().toISOString(), verdict: kind, role, keyid, requester, ...more })
    return {
      signed: (statement, payload) =>
        verdict('signed', {
          predicateType: statement.predicateType,
          subjects: statement.subject.map(({ digest }) => digest?.['sha256'] ?? ''),
          statement: sha256Hex(payload),
        }),
      refused: (bytes, code) => verdict('refused', { code, statement: sha256Hex(bytes) }),
    }
  }
}

function openFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_SYNC, O_WRONLY } = constants
  let file
  try {
    // O_SYNC: a line is durable when the write returns, also where Node's permission model forbids fsync.
    file = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_SYNC, 0o600)
  } catch (error) {
    throw unwritable(path, error)
  }
  const status = fstatSync(file)
  if (status.isFile() && (status.mode & 0o077) === 0) return file
  closeSync(file)
  throw new SallyportError({
    code: 'SIGNER_FILE_MODE',
    where: path,
    expected: 'a journal that nobody but its owner can read or change (mode 0600)',
    found: `mode 0${(status.mode & 0o7777).toString(8)}`,
    fix: `Run \`chmod 600 ${path}\``,
  })
}

function unwritable(path: string, error: unknown): SallyportError {
  return new SallyportError({
    code: 'SIGNER_JOURNAL',
    where: path,
    expected: 'to write down what is signed before it is signed',
    found: quote(error instanceof Error ? error.message : String(error), 200),
    fix: `Make room on that disk, and its folder writable for the one who signs; nothing was signed`,
  })
}

/** As the operating system says it, of this very process: whoever asks for a signature cannot choose it. */
function whoRunsThis(): string {
  try {
    return `os:${userInfo().username}`
  } catch {
    // A container may run as a user that has no name.
    return `os:uid ${process.getuid?.() ?? 'unknown'}`
  }
}
