import type { LogEntry } from '#attestation'
import { hashLeaf, inclusionHolds } from '#merkle'
import { SallyportError } from '#error'
import { verifyMessage } from '../keys/scheme.ts'
import { fetchAgain, refuse } from '../problem.ts'
import { describeWindow, isWithin, type LogInstance } from '../root/trusted-root.ts'
import { verifyCheckpoint } from './checkpoint.ts'

/** What a log has said about an entry. */
export interface LoggedEntry {
  readonly log: LogInstance
  /** When the log took it in; only where the log has signed the time. Milliseconds since 1970. */
  readonly integratedTime?: number
  /** Whether it is proven that the entry is in the log, and not only promised. */
  readonly isProven: boolean
}

/**
 * Verifies that one of the logs has an entry. They are the instances of one log: one key, several periods.
 *
 * @throws SallyportError SIGSTORE_LOG_PROMISE, SIGSTORE_LOG_CHECKPOINT, SIGSTORE_LOG_PROOF
 */
export function verifyEntry(
  entry: LogEntry,
  logs: readonly [LogInstance, ...LogInstance[]],
  where: string,
): LoggedEntry {
  let refusal: unknown
  for (const log of logs) {
    try {
      return verifyIn(log, entry, where)
    } catch (error) {
      if (!(error instanceof SallyportError)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

function verifyIn(log: LogInstance, entry: LogEntry, where: string): LoggedEntry {
  const { inclusionPromise, inclusionProof } = entry
  const integratedTime =
    inclusionPromise === undefined ? undefined : verifyPromise(entry, inclusionPromise, log, where)
  const isProven = inclusionProof?.checkpoint !== undefined
  if (isProven) verifyProof(entry, inclusionProof, inclusionProof.checkpoint, log, where)
  // A proof without a checkpoint leads to a root that nobody has signed: anybody can make one.
  if (!isProven && integratedTime === undefined) {
    throw refuse(
      'SIGSTORE_LOG_PROOF',
      where,
      'a promise or a proof with a checkpoint, signed by the log',
      'neither',
      fetchAgain,
    )
  }
  return integratedTime === undefined ? { log, isProven } : { log, isProven, integratedTime }
}

/** Verifies the signed entry timestamp of Rekor v1: the log's signature over the canonical JSON of four fields. */
function verifyPromise(
  entry: LogEntry,
  promise: Uint8Array,
  log: LogInstance,
  where: string,
): number {
  const { integratedTime = 0, logIndex, logId, canonicalizedBody } = entry
  const body = Buffer.from(canonicalizedBody).toString('base64')
  const logID = Buffer.from(logId).toString('hex')
  // RFC 8785 by hand: the names are in order, and no value needs an escape.
  const payload = `{"body":"${body}","integratedTime":${integratedTime},"logID":"${logID}","logIndex":${logIndex}}`
  const time = integratedTime * 1000
  if (!verifyMessage(log.scheme, log.key, Buffer.from(payload), promise)) {
    const expected = `the promise of ${log.baseUrl} for this entry, index and time`
    throw refuse('SIGSTORE_LOG_PROMISE', where, expected, 'another signature', fetchAgain)
  }
  if (!isWithin(log.validFor, time) || !isDate(time)) {
    const expected = `a promise of ${log.baseUrl} made ${describeWindow(log.validFor)}`
    const found = `one made ${isDate(time) ? new Date(time).toISOString() : String(time)}`
    throw refuse('SIGSTORE_LOG_PROMISE', where, expected, found, fetchAgain)
  }
  return time
}

type Proof = NonNullable<LogEntry['inclusionProof']>

function verifyProof(
  entry: LogEntry,
  proof: Proof,
  note: string,
  log: LogInstance,
  where: string,
): void {
  const place = `${where}.inclusionProof`
  const checkpoint = verifyCheckpoint(note, log, `${place}.checkpoint`)
  if (checkpoint.size !== proof.treeSize || !Buffer.from(checkpoint.root).equals(proof.rootHash)) {
    throw refuse(
      'SIGSTORE_LOG_PROOF',
      place,
      `a proof for the tree of the checkpoint, size ${checkpoint.size}`,
      `one for another tree, size ${proof.treeSize}`,
      fetchAgain,
    )
  }
  const leaf = { index: proof.logIndex, hash: hashLeaf(entry.canonicalizedBody) }
  if (inclusionHolds(leaf, checkpoint, proof.hashes)) return
  throw refuse(
    'SIGSTORE_LOG_PROOF',
    place,
    `a proof that the entry is at ${proof.logIndex} of ${log.baseUrl}`,
    `hashes that do not lead to the root of the tree of size ${checkpoint.size}`,
    fetchAgain,
  )
}

function isDate(time: number): boolean {
  return Math.abs(time) <= 8.64e15
}
