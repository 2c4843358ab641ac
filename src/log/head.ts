import { quote, SallyportError } from '#error'
import {
  encodeCheckpointText,
  openCheckpoint,
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
  /** What the signer has signed for exactly the tree of `edge`. */
  readonly checkpoint: SignedCheckpoint
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

/** What the signer answered for a tree. */
export interface SignedCheckpoint {
  readonly size: number
  /** The signed note. */
  readonly note: string
  /** Verifies the signatures, once. @throws SallyportError what `openCheckpoint` refuses it with */
  open(): OpenedCheckpoint
}

/** One that has been verified. */
export function opened(checkpoint: OpenedCheckpoint): SignedCheckpoint {
  return { size: checkpoint.size, note: checkpoint.note, open: () => checkpoint }
}

/**
 * Takes what the signer answered, which must be about the tree that it was asked for. Its signatures are verified when
 * the tree is published, and not in every commit: that would be an eighth of all the work of a busy gate, for notes that
 * nobody ever sees.
 */
export function takeAnswer(note: string, tree: TreeHead, log: LogIdentity): SignedCheckpoint {
  const { size, root } = tree
  const text = encodeCheckpointText({ origin: log.origin, size, root })
  if (!note.startsWith(`${text}\n`)) return opened(openAnswer(note, tree, log))
  let checkpoint: OpenedCheckpoint | undefined
  return { size, note, open: () => (checkpoint ??= openAnswer(note, tree, log)) }
}

export function sameTree(a: TreeHead, b: TreeHead): boolean {
  return a.size === b.size && Buffer.compare(a.root, b.root) === 0
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
