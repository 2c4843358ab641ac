import {
  emptyRoot,
  proveConsistency,
  sameTree,
  tileNodes,
  tilePath,
  tileWidth,
  tileWidthIn,
  treeRoot,
  TreeEdge,
  type LogIdentity,
  type OpenedCheckpoint,
  type Tile,
  type TreeHead,
} from '#merkle'
import { openAnswer, type Head, type Standing } from './head.ts'
import { encodeRecord, journalStart, type JournalRecord } from './journal.ts'
import type { CheckpointSigner, LogStorage, LogWriter } from './ports.ts'
import { damaged, forked, memoryMissing, rolledBack } from './refusals.ts'
import { readStored, type Stored } from './stored.ts'
import { storedTiles } from './stored-tiles.ts'
import { checkpointPath } from './view.ts'

/** What recovery works with. The caller holds the lock that `writer` is. */
export interface RecoverContext {
  readonly storage: LogStorage
  readonly writer: LogWriter
  readonly signer: CheckpointSigner
  readonly log: LogIdentity
}

/**
 * Brings the log to the newest tree that the journal leads to, from whatever a crash left; refuses when the newest one that was
 * signed or is remembered is not on the way: an old copy, another history, damage. Afterwards all of it is durable and the journal
 * is only its head.
 */
export async function recover(context: RecoverContext): Promise<Standing> {
  const { journalKey } = context.signer
  const stored = await readStored({ ...context, journalKey })
  const newest = await context.signer.newest()
  if (stored.base === undefined) return create(context, newest)
  if (newest === undefined) throw memoryMissing(context.log, stored.base)
  const base = await loadBase(context, stored.base)
  const signed = [newest, stored.base, stored.published].filter((tree) => tree !== undefined)
  const edge = findNewest(context.log, base, stored, signed)
  const unsettled = await applyBatches(context, base, edge.size, stored)
  await checkOlder(context, edge, signed)
  const checkpoint = await checkpointOf(context, edge, newest, stored)
  if (checkpoint !== stored.published) {
    await context.writer.write([{ path: checkpointPath, bytes: Buffer.from(checkpoint.note) }])
    unsettled.add(checkpointPath)
  }
  // A signer whose memory is older than a checkpoint with its own signatures: the next proof starts where it is.
  const remembered = newest.size < edge.size && isStored(checkpoint, stored) ? newest : edge
  const head =
    stored.clean && unsettled.size === 0
      ? headOf(stored, edge, remembered)
      : await beginJournal(context, { edge, remembered, unsettled }, checkpoint)
  return { head, checkpoint }
}

/** Settles everything, then puts a journal of only this head in the place of the old one. */
export async function beginJournal(
  { storage, writer, signer }: Pick<RecoverContext, 'storage' | 'writer' | 'signer'>,
  head: Pick<Head, 'edge' | 'remembered' | 'unsettled'>,
  checkpoint: OpenedCheckpoint,
): Promise<Head> {
  const full = [...head.unsettled].filter(isFullTile)
  const lasting = [...head.unsettled].filter((path) => !hasFullTile(path, full))
  await storage.settle([...lasting, checkpointPath])
  // After that: the old journal may still need the partial tiles.
  await storage.prune(full)
  const begun = await writeJournal({ writer, signer }, checkpoint, [])
  return { ...head, ...begun, base: head.edge.size, unsettled: new Set() }
}

/** Puts a journal in the place of the old one: its head, which is a tree that is wholly durable, then what came after it. */
export async function writeJournal(
  { writer, signer }: Pick<RecoverContext, 'writer' | 'signer'>,
  { note }: OpenedCheckpoint,
  records: readonly JournalRecord[],
): Promise<Pick<Head, 'mark' | 'digest'>> {
  const parts: Uint8Array[] = []
  let digest = journalStart
  for (const record of [{ kind: 'head', checkpoint: note } as const, ...records]) {
    const next = encodeRecord(record, digest, signer.journalKey)
    parts.push(next.bytes)
    digest = next.digest
  }
  await writer.replaceJournal(Buffer.concat(parts))
  const mark = await writer.journalMark()
  if (mark === undefined) throw damaged('journal', 'the journal just written', 'none')
  return { mark, digest }
}

/** Whether this is a partial tile where one of these full ones is. */
export function hasFullTile(path: string, fullTiles: readonly string[]): boolean {
  return fullTiles.some((full) => path.startsWith(`${full}.p/`))
}

export function isFullTile(path: string): boolean {
  return path !== checkpointPath && !path.includes('.p/')
}

/** Begins a log. The signer signs the empty tree first, so that from the first entry on it remembers. */
async function create(context: RecoverContext, newest: TreeHead | undefined): Promise<Standing> {
  if (newest !== undefined && newest.size > 0) throw rolledBack(context.log, newest.size, 0)
  const edge = TreeEdge.empty
  const note = await context.signer.sign({ size: 0, root: emptyRoot, consistency: [] })
  const checkpoint = openAnswer(note, edge, context.log)
  // The journal first: a checkpoint without a journal is a copy of the public files of a log.
  const unsettled = new Set<string>()
  const head = await beginJournal(context, { edge, remembered: edge, unsettled }, checkpoint)
  await context.writer.write([{ path: checkpointPath, bytes: Buffer.from(note) }])
  await context.storage.settle([checkpointPath])
  return { head, checkpoint }
}

async function loadBase(
  { storage, log }: RecoverContext,
  base: OpenedCheckpoint,
): Promise<TreeEdge> {
  const edge = await TreeEdge.load(base.size, storedTiles(storage))
  if (sameTree(edge, base)) return edge
  throw damaged(
    `log ${log.origin}`,
    `tiles that lead to the signed root ${base64(base.root)} of size ${base.size}`,
    `tiles that lead to ${base64(edge.root)}`,
  )
}

/**
 * The tree after all batches. The newest signed one must be the base or stand after one of them. Those behind it belong to the log
 * as well, if they are sealed: whoever appended them may have been answered, before a power failure took what the signer remembered
 * of them. What has no seal was put there by somebody else.
 */
function findNewest(
  log: LogIdentity,
  base: TreeEdge,
  stored: Stored,
  signed: readonly TreeHead[],
): TreeEdge {
  const newest = signed.reduce((a, b) => (b.size > a.size ? b : a))
  let edge = base
  let isFound = sameTree(edge, newest)
  for (const batch of stored.batches) {
    const isEnd = isFound ? !batch.isSealed : edge.size >= newest.size
    if (isEnd || batch.size !== edge.size) break
    edge = edge.extend(batch.entries).edge
    isFound ||= sameTree(edge, newest)
  }
  if (isFound) return edge
  if (edge.size >= newest.size) throw forked(log, newest, edge)
  if (!stored.torn) throw rolledBack(log, newest.size, edge.size)
  throw damaged(
    `journal of ${log.origin}`,
    `entries up to size ${newest.size}, which is signed`,
    `damage after entry ${edge.size}`,
  )
}

/** Writes what the batches up to `size` add and is not there. Gives the paths of all of it: none may be durable yet. */
async function applyBatches(
  { storage, writer }: RecoverContext,
  base: TreeEdge,
  size: number,
  stored: Stored,
): Promise<Set<string>> {
  const paths = new Set<string>()
  let edge = base
  for (const { entries } of stored.batches) {
    if (edge.size >= size) break
    const grown = edge.extend(entries)
    edge = grown.edge
    for (const tile of grown.tiles().filter((tile) => !isSuperseded(tile, size))) {
      const path = tilePath(tile)
      paths.add(path)
      const there = await storage.read(path)
      if (there === undefined || Buffer.compare(there, tile.bytes) !== 0)
        await writer.write([{ path, bytes: tile.bytes }])
    }
  }
  return paths
}

/** A partial tile where the tree of `size` has a full one: nobody needs it any more. */
function isSuperseded(tile: Tile, size: number): boolean {
  return tile.width < tileWidth && tileWidthIn(size, tile) === tileWidth
}

/** Every other tree that was signed must be a beginning of this one. */
async function checkOlder(
  { storage, log }: RecoverContext,
  edge: TreeEdge,
  signed: readonly TreeHead[],
): Promise<void> {
  const nodes = tileNodes(edge.size, storedTiles(storage))
  for (const older of signed.filter(({ size }) => size < edge.size)) {
    const root = await treeRoot(older.size, nodes)
    if (!sameTree(older, { size: older.size, root }))
      throw forked(log, older, { size: older.size, root })
  }
}

/** The checkpoint of the newest tree: where a crash kept it from being stored, the signer signs the same tree again. */
async function checkpointOf(
  { storage, signer, log }: RecoverContext,
  edge: TreeEdge,
  newest: TreeHead,
  stored: Stored,
): Promise<OpenedCheckpoint> {
  const there = [stored.published, stored.base].find(
    (one) => one !== undefined && sameTree(one, edge),
  )
  if (there !== undefined) return there
  const nodes = tileNodes(edge.size, storedTiles(storage))
  const consistency = await proveConsistency(newest.size, edge.size, nodes)
  const note = await signer.sign({ size: edge.size, root: edge.root, consistency })
  return openAnswer(note, edge, log)
}

function isStored(checkpoint: OpenedCheckpoint, { base, published }: Stored): boolean {
  return checkpoint === base || checkpoint === published
}

function headOf(stored: Stored, edge: TreeEdge, remembered: TreeHead): Head {
  const { mark, digest } = stored
  const unsettled = new Set<string>()
  if (mark === undefined) throw damaged('journal', 'a journal', 'none')
  const base = edge.size
  return { edge, remembered, mark, base, digest, unsettled }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
