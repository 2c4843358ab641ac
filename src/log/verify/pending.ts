import {
  openCheckpoint,
  sameTree,
  tileNodes,
  treeRoot,
  TreeEdge,
  type LogIdentity,
  type TreeHead,
} from '#merkle'
import type { LogStorage } from '../ports.ts'
import type { SharedLogStore } from '../shared/ports.ts'
import { peekStored } from '../stored.ts'
import { storedTiles } from '../stored-tiles.ts'

/**
 * Of trees that were signed and are larger than the published one, those that the journal leads to: a process that is
 * about to publish them, or was killed before it could, has left them for the next, and nothing is missing.
 */
export async function findPending(
  storage: Pick<LogStorage, 'read' | 'peekJournal'>,
  log: LogIdentity,
  signed: readonly TreeHead[],
): Promise<ReadonlySet<TreeHead>> {
  const stored = await peekStored(storage, log)
  if (stored === undefined) return new Set()
  const { base, published, batches } = stored
  // The head of the journal was published before: a checkpoint that is older has been put there by somebody.
  if (base === undefined || published === undefined || published.size < base.size) return new Set()
  const readTile = storedTiles(storage)
  let edge = await TreeEdge.load(base.size, readTile)
  const trees: TreeHead[] = [base]
  for (const { entries } of batches) trees.push((edge = edge.extend(entries).edge))
  // By now somebody may have published more than was asked for.
  const older = signed.filter(({ size }) => size < base.size)
  for (const { size } of older)
    trees.push({ size, root: await treeRoot(size, tileNodes(base.size, readTile)) })
  return new Set(signed.filter((one) => trees.some((tree) => sameTree(tree, one))))
}

/** The same for a log that replicas share: what is staged will be committed by whoever sequences next. */
export async function findStaged(
  store: SharedLogStore,
  log: LogIdentity,
  signed: readonly TreeHead[],
): Promise<ReadonlySet<TreeHead>> {
  const { head, staged } = await store.standing()
  if (head === undefined) return new Set()
  const base = openCheckpoint(head.checkpoint, log)
  const readTile = storedTiles(store)
  const edge = await TreeEdge.load(base.size, readTile)
  const entries = staged.map(({ entry }) => entry)
  const larger = signed.filter(({ size }) => size > base.size)
  const trees: TreeHead[] = [base]
  for (const { size } of larger) trees.push(edge.extend(entries.slice(0, size - base.size)).edge)
  // By now more may have been committed than was asked for.
  const older = signed.filter(({ size }) => size < base.size)
  for (const { size } of older)
    trees.push({ size, root: await treeRoot(size, tileNodes(base.size, readTile)) })
  return new Set(signed.filter((one) => trees.some((tree) => sameTree(tree, one))))
}
