import { sign as signBytes, type KeyObject } from 'node:crypto'
import { encodeStatement, inTotoPayloadType, pae } from '#attestation'
import type { JsonObject } from '#document'
import { SallyportError } from '#error'
import { algorithms, type KeyAlgorithm } from '../algorithms.ts'
import { openJournal, type Journal } from '../journal.ts'
import type { Role } from '../messages.ts'
import type { StatementRule } from './rule.ts'
import { statementRule } from './statement-rule.ts'

interface StatementKey {
  readonly key: KeyObject
  readonly algorithm: KeyAlgorithm
  readonly keyid: string
}

/** A signer of statements inside the process. */
export interface StatementKeeper {
  sign(bytes: Uint8Array): JsonObject
}

/** Prepares a role: what is wrong with it, or with its journal, is told before any key is opened. */
export function openStatements(options: {
  readonly role: Exclude<Role, { kind: 'log' | 'witness' }>
  readonly journalFile: string
}): (key: StatementKey) => StatementKeeper {
  const { role, journalFile } = options
  const journalOf = openJournal(journalFile)
  const rule = statementRule(role)
  return (key) => {
    const journal = journalOf({ role: role.kind, keyid: key.keyid })
    return { sign: (bytes) => sign(bytes, key, rule, journal) }
  }
}

/** Signs a statement after the rule of the role has accepted it, and after that verdict is in the journal. */
function sign(
  bytes: Uint8Array,
  signing: StatementKey,
  rule: StatementRule,
  journal: Journal,
): JsonObject {
  try {
    const statement = rule(bytes)
    // What is signed is the canonical encoding of what was checked, never the bytes that came.
    const payload = encodeStatement(statement)
    journal.signed(statement, payload)
    const { key, algorithm, keyid } = signing
    const { digest } = algorithms[algorithm]
    const signature = signBytes(digest, pae(inTotoPayloadType, payload), key)
    return {
      payload: Buffer.from(payload).toString('base64'),
      signature: signature.toString('base64'),
      keyid,
    }
  } catch (cause) {
    if (cause instanceof SallyportError && cause.code !== 'SIGNER_JOURNAL')
      journal.refused(bytes, cause.code)
    throw cause
  }
}
