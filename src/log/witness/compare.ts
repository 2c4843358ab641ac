import { quote, type Problem } from '#error'
import { openCheckpoint, type LogIdentity, type OpenedCheckpoint } from '#merkle'
import type { LogView } from '../view.ts'
import { forkEvidence } from './evidence.ts'

/** A checkpoint of this log that somebody else holds, and that the log here does not go on from. */
export interface Conflict {
  readonly problem: Problem
  /** Both signed checkpoints: whoever has the verifier keys can check them. */
  readonly evidence: string
}

/** A checkpoint from elsewhere; `by` says who holds it. */
export interface HeldCheckpoint {
  readonly by: string
  readonly note: string
}

/**
 * Holds a checkpoint that was signed by the log, and that somebody else has kept, against the log as it is here: its tree
 * must be a beginning of this one. Undefined when it is.
 *
 * @throws SallyportError when the checkpoint is not one that the log has signed: then it says nothing
 */
export async function findConflict(
  view: LogView,
  held: HeldCheckpoint,
  log: LogIdentity,
): Promise<Conflict | undefined> {
  const other = openCheckpoint(held.note, log)
  const problem =
    other.size > view.size
      ? rolledBack(held.by, other, view)
      : await forkedFrom(held.by, other, view)
  if (problem === undefined) return undefined
  const here = { by: `the log, size ${view.size}`, note: view.checkpoint.note }
  const there = { by: `${held.by}, size ${other.size}`, note: held.note }
  return { problem, evidence: forkEvidence(log.origin, here, there) }
}

async function forkedFrom(
  by: string,
  other: OpenedCheckpoint,
  view: LogView,
): Promise<Problem | undefined> {
  const root = await view.rootAt(other.size)
  if (Buffer.compare(root, other.root) === 0) return undefined
  return {
    code: 'LOG_FORKED',
    where: `${by}, log ${quote(other.origin)}`,
    expected: `root ${base64(other.root)} over the first ${other.size} entries, which the log has signed and ${by} holds`,
    found: `${base64(root)}, in a log of ${view.size} entries`,
    fix: 'Stop the gate: the keys of the log have signed two histories. Find out who could use them, keep both checkpoints, and begin a new log with new keys',
  }
}

function rolledBack(by: string, other: OpenedCheckpoint, view: LogView): Problem {
  return {
    code: 'LOG_ROLLED_BACK',
    where: `${by}, log ${quote(other.origin)}`,
    expected: `at least ${other.size} entries, the size that the log has signed and ${by} holds`,
    found: `${view.size} entries`,
    fix: `Restore the newest copy of the log and of its signer’s memory: ${other.size - view.size} signed entries are missing from this one. When there is none, begin a new log with new keys`,
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
