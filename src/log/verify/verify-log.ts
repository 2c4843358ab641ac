import { SallyportError, type Problem } from '#error'
import {
  hashSize,
  openCheckpoint,
  tileNodes,
  treeRoot,
  type KnownSignature,
  type LogIdentity,
  type OpenedCheckpoint,
  type TreeHead,
} from '#merkle'
import type { LogStorage } from '../ports.ts'
import type { SharedLogStore } from '../shared/ports.ts'
import { checkpointPath, noLog } from '../view.ts'
import { findPending, findStaged } from './pending.ts'
import { historyChanged, truncated } from './problems.ts'
import { TileSource } from './tile-source.ts'
import { verifyTree } from './verify-tree.ts'

/** What to verify, and against what. */
export interface VerifyLogOptions extends LogIdentity {
  /** With `peekJournal` or `standing`, what a killed process has left unpublished is told from what is missing. */
  readonly storage:
    Pick<LogStorage, 'read'> | Pick<LogStorage, 'read' | 'peekJournal'> | SharedLogStore
  /** Older signed checkpoints of this log, from whoever kept them. Only they show a history that was rewritten and signed anew. */
  readonly earlier?: readonly string[]
  /** The newest tree that the signer remembers: shows that this is not an old copy. */
  readonly remembered?: TreeHead
}

/** What `verifyLog` found. */
export interface LogReport {
  readonly origin: string
  /** Whether the log is whole: every byte of it leads to the signed root. */
  readonly ok: boolean
  readonly size: number
  /** In base64, as in the checkpoint. */
  readonly root: string
  readonly checkpoint: string
  readonly signatures: readonly KnownSignature[]
  /** How many earlier checkpoints, with what the signer remembers, are a beginning of this log. */
  readonly earlier: number
  /** Entries that are signed and safe in the journal, and will be published when the log is next opened. */
  readonly pending: number
  readonly problems: readonly Problem[]
}

/**
 * Proves the whole log: the checkpoint is signed, every tile leads to its root, every entry has its hash, and every
 * earlier checkpoint is a beginning of it. Names every entry and tile that is not what was signed. Throws only when
 * there is no log, or no checkpoint that could be believed.
 */
export async function verifyLog(options: VerifyLogOptions): Promise<LogReport> {
  const note = await options.storage.read(checkpointPath)
  if (note === undefined) throw noLog(options.origin)
  const checkpoint = openCheckpoint(Buffer.from(note).toString(), options)
  const tiles = new TileSource(options.storage)
  const problems = await verifyTree(checkpoint, tiles)
  const { earlier, bad } = openEarlier(options)
  const later = earlier.filter(({ size }) => size > checkpoint.size)
  const { pending, damage } = await pendingOf(options, later)
  const history = await verifyHistory(
    checkpoint,
    // What damage leaves open of later trees is not told.
    earlier.filter((head) => (damage === undefined ? !pending.has(head) : !later.includes(head))),
    tiles,
  )
  if (problems.length === 0) problems.push(...(damage ?? []))
  problems.push(...bad, ...history.problems)
  return {
    origin: checkpoint.origin,
    ok: problems.length === 0,
    size: checkpoint.size,
    root: Buffer.from(checkpoint.root).toString('base64'),
    checkpoint: checkpoint.note,
    signatures: checkpoint.signatures,
    earlier: history.extended + pending.size,
    pending: Math.max(0, ...[...pending].map(({ size }) => size - checkpoint.size)),
    problems,
  }
}

interface Pending {
  readonly pending: ReadonlySet<TreeHead>
  /** Why it cannot be told what is pending. */
  readonly damage?: readonly Problem[]
}

async function pendingOf(
  { storage, ...log }: VerifyLogOptions,
  later: readonly TreeHead[],
): Promise<Pending> {
  if (later.length === 0) return { pending: new Set() }
  try {
    if ('standing' in storage) return { pending: await findStaged(storage, log, later) }
    if ('peekJournal' in storage) return { pending: await findPending(storage, log, later) }
    return { pending: new Set() }
  } catch (error) {
    if (!(error instanceof SallyportError) || error.problems.some(isUnread)) throw error
    const fix = 'Restore the folder of the log from a copy, and find out who could write to it'
    return { pending: new Set(), damage: error.problems.map((one) => ({ ...one, fix })) }
  }
}

/** What could not be read says nothing about the log. */
function isUnread({ code }: Problem): boolean {
  return code === 'LOG_UNREADABLE' || code === 'LOG_UNAVAILABLE'
}

function openEarlier({ earlier: notes = [], remembered, ...log }: VerifyLogOptions) {
  const earlier: TreeHead[] = remembered === undefined ? [] : [remembered]
  const bad: Problem[] = []
  for (const [at, note] of notes.entries())
    try {
      earlier.push(openCheckpoint(note, log))
    } catch (problem) {
      if (!(problem instanceof SallyportError)) throw problem
      const where = `earlier checkpoint ${at + 1} of ${notes.length}`
      bad.push(...problem.problems.map((one) => ({ ...one, where })))
    }
  return { earlier: earlier.toSorted((a, b) => a.size - b.size), bad }
}

async function verifyHistory(
  { size }: OpenedCheckpoint,
  earlier: readonly TreeHead[],
  tiles: TileSource,
): Promise<{ readonly extended: number; readonly problems: readonly Problem[] }> {
  const problems: Problem[] = []
  let [extended, lastGood] = [0, 0]
  for (const head of earlier) {
    const root = head.size > size ? undefined : await rootAt(head.size, size, tiles)
    if (head.size > size) problems.push(truncated(head.size, size))
    else if (root !== undefined && Buffer.compare(root, head.root) === 0) {
      extended += 1
      lastGood = head.size
    } else if (root !== undefined) problems.push(historyChanged(head, root, lastGood))
  }
  return { extended, problems }
}

/**
 * The root of the first `earlier` entries, out of the tiles of the tree of `size`, which have been verified; undefined
 * when it cannot be told, because of a tile that has been reported.
 */
async function rootAt(
  earlier: number,
  size: number,
  tiles: TileSource,
): Promise<Uint8Array | undefined> {
  let known = true
  const nodes = tileNodes(size, async (position) => {
    const tile = { ...position, level: Number(position.level) }
    const bytes = tiles.isDistrusted(tile) ? undefined : await tiles.read(tile)
    known &&= bytes !== undefined
    return bytes ?? new Uint8Array(tile.width * hashSize)
  })
  const root = await treeRoot(earlier, nodes)
  return known ? root : undefined
}
