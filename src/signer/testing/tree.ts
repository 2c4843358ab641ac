import { hashChildren, hashLeaf, proveConsistency, treeRoot, type ReadNodes } from '#merkle'

/** What a log with these entries asks its signer to sign, when it goes on from one size to another. */
export function tree(...entries: readonly string[]) {
  const leaves = entries.map((entry) => hashLeaf(Buffer.from(entry)))
  const hashOf = (height: number, index: number): Uint8Array =>
    height === 0
      ? (leaves[index] ?? new Uint8Array())
      : hashChildren(hashOf(height - 1, index * 2), hashOf(height - 1, index * 2 + 1))
  const readNodes: ReadNodes = (positions) =>
    Promise.resolve(positions.map(({ height, index }) => hashOf(height, index)))
  return {
    from: async (from: number, to = leaves.length) => ({
      size: to,
      root: await treeRoot(to, readNodes),
      consistency: await proveConsistency(from, to, readNodes),
    }),
  }
}
