import { emptyRoot, hashChildren } from './hash.ts'
import { assertSize } from './size.ts'

/** A complete subtree: the leaves from `index * 2^height` up to, and without, `(index + 1) * 2^height`. */
export interface NodePosition {
  readonly height: number
  readonly index: number
}

/** Gives the hashes of complete subtrees, in the order asked for. MUST reject when it cannot give all of them. */
export type ReadNodes = (positions: readonly NodePosition[]) => Promise<readonly Uint8Array[]>

/** Leaves from `start` up to, and without, `end`. */
export type Range = readonly [start: number, end: number]

/** The largest power of two that is smaller than `size`; RFC 6962 splits a tree there. */
export function splitPoint(size: number): number {
  let power = 1
  while (power * 2 < size) power *= 2
  return power
}

/** The fewest complete subtrees that make up a range, from left to right. */
export function nodesOfRange([start, end]: Range): NodePosition[] {
  const nodes: NodePosition[] = []
  for (let at = start; at < end;) {
    let height = 0
    let width = 1
    while (at % (width * 2) === 0 && at + width * 2 <= end) {
      width *= 2
      height += 1
    }
    nodes.push({ height, index: at / width })
    at += width
  }
  return nodes
}

/** Hashes the subtrees of a range, left to right, into the one hash over all of them. */
export function foldRange(hashes: readonly Uint8Array[]): Uint8Array {
  let root: Uint8Array | undefined
  for (const hash of hashes.toReversed())
    root = root === undefined ? hash : hashChildren(hash, root)
  return root ?? emptyRoot
}

/** Reads all ranges in one go and folds each. */
export async function readRanges(
  ranges: readonly Range[],
  readNodes: ReadNodes,
): Promise<Uint8Array[]> {
  const positions = ranges.map(nodesOfRange)
  const hashes = await readNodes(positions.flat())
  let next = 0
  return positions.map((nodes) => foldRange(hashes.slice(next, (next += nodes.length))))
}

/** The root of the tree of the first `size` leaves. */
export async function treeRoot(size: number, readNodes: ReadNodes): Promise<Uint8Array> {
  assertSize(size, 'a tree size')
  const [root] = await readRanges([[0, size]], readNodes)
  return root ?? emptyRoot
}
