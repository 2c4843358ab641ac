import { tileNodes, tilePath, type Extension, type ReadNodes, type ReadTile } from '#merkle'

/** The nodes of a tree that is being appended. Only a signer whose memory is older needs others than those at hand. */
export function nodesOf({ edge, full, node }: Extension, storedTile: ReadTile): ReadNodes {
  return async (positions) => {
    const known = positions.map(node)
    if (!known.includes(undefined)) return known.filter((hash) => hash !== undefined)
    const inMemory = new Map(
      [...full, ...edge.partialTiles()].map((tile) => [tilePath(tile), tile.bytes]),
    )
    const readTile: ReadTile = async (position) =>
      inMemory.get(tilePath(position)) ?? storedTile(position)
    return tileNodes(edge.size, readTile)(positions)
  }
}
