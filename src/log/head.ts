import { quote, SallyportError } from '#error'
import {
  openCheckpoint,
  sameTree,
  type LogIdentity,
  type OpenedCheckpoint,
  type TreeEdge,
  type TreeHead,
} from '#merkle'
import type { JournalDigest } from './journal.ts'
import type { JournalMark } from './ports.ts'

/** What a writer knows of the log. It is true as long as nobody else has written, which `mark` tells. */
export interface Head {
  readonly edge: TreeEdge
  /** The newest tree that the signer remembers: the same one, but for a signer whose memory is older. */
  readonly remembered: TreeHead
  readonly mark: JournalMark
  /** How large the tree at the head of the journal is. All of it is durable, and no record of the journal has its entries. */
  readonly base: number
  /** Of the last record of the journal. */
  readonly digest: JournalDigest
  /** Files written since the head of the journal that may not be durable yet. The committer owns and changes it. */
  readonly unsettled: Set<string>
}

/** What is known of a log between turns, when all of it is published. */
export interface Standing {
  readonly head: Head
  /** Of exactly the tree of `head`. */
  readonly checkpoint: OpenedCheckpoint
}

/** Opens what the signer answered, which must be the tree that it was asked for. */
export function openAnswer(note: string, tree: TreeHead, log: LogIdentity): OpenedCheckpoint {
  const checkpoint = openCheckpoint(note, log)
  if (sameTree(checkpoint, tree)) return checkpoint
  throw new SallyportError({
    code: 'CHECKPOINT_UNEXPECTED',
    where: `signer of ${quote(log.origin)}`,
    expected: describeTree(tree),
    found: describeTree(checkpoint),
    fix: 'Restart the signer; if it answers so again, its key is not safe: tell the owner of the log',
  })
}

export function describeTree({ size, root }: TreeHead): string {
  return `size ${size}, root ${Buffer.from(root).toString('base64')}`
}
