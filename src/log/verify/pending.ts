import { tileNodes, treeRoot, TreeEdge, type LogIdentity, type TreeHead } from '#merkle'
import { sameTree } from '../head.ts'
import type { LogStorage } from '../ports.ts'
import { readStored } from '../stored.ts'
import { storedTiles } from '../stored-tiles.ts'

/**
 * Whether a tree that was signed, and is larger than the published one, is in the journal: a process that was killed
 * in between has left it for the next one to publish, and nothing is missing.
 */
export async function isPending(
  storage: LogStorage,
  log: LogIdentity,
  signed: TreeHead,
): Promise<boolean> {
  const writer = await storage.lock()
  try {
    const { base, batches } = await readStored({ storage, writer, log })
    if (base === undefined) return false
    const readTile = storedTiles(storage)
    if (base.size > signed.size) {
      // Somebody has published it, and more, since it was asked for.
      const root = await treeRoot(signed.size, tileNodes(base.size, readTile))
      return sameTree(signed, { size: signed.size, root })
    }
    let edge = await TreeEdge.load(base.size, readTile)
    for (const { entries } of batches) if (edge.size < signed.size) edge = edge.extend(entries).edge
    return sameTree(edge, signed)
  } finally {
    await writer.unlock()
  }
}
