import { SallyportError } from '#error'
import {
  openCheckpoint,
  proveConsistency,
  sameTree,
  tileNodes,
  treeRoot,
  TreeEdge,
  type LogIdentity,
  type ReadTile,
  type Tile,
  type TreeHead,
} from '#merkle'
import { nodesOf } from '../extension-nodes.ts'
import { openAnswer } from '../head.ts'
import type { CheckpointSigner } from '../ports.ts'
import { damaged, forked, memoryMissing, rolledBack } from '../refusals.ts'
import type { SequencerSession, SharedCommit, Standing, SubmittedEntry } from './ports.ts'

/** Signed and committed no more often: that costs several times as much as to have entries staged and remembered. */
const publishAfter = 50
const maxGrowth = 1024

/** What sequencing works with. */
export interface SequencerContext {
  readonly signer: CheckpointSigner
  readonly log: LogIdentity
  readonly readTile: ReadTile
}

/** A standing that has been held against the tiles and against what the signer remembers. */
export interface Judged {
  readonly edge: TreeEdge
  /** The newest tree that the signer remembers. */
  readonly remembered: TreeHead
}

/**
 * Compares what the store has with what was signed; refuses an old copy, another history, and damage.
 *
 * `newest` MUST have been asked for before the standing was read: whatever is signed has been staged before, so the store
 * is never behind the signer unless it has been put back.
 */
export async function judge(
  { log, readTile }: Omit<SequencerContext, 'signer'>,
  newest: TreeHead | undefined,
  { head, staged }: Standing,
): Promise<Judged> {
  if (head === undefined) {
    if (newest !== undefined && newest.size > 0) throw rolledBack(log, newest.size, 0)
    return { edge: TreeEdge.empty, remembered: newest ?? TreeEdge.empty }
  }
  const checkpoint = openHead(head.checkpoint, head.size, log)
  // A log that has just begun has nothing that could be missing.
  if (newest === undefined && checkpoint.size > 0) throw memoryMissing(log, checkpoint)
  const remembered = newest ?? TreeEdge.empty
  const edge = await TreeEdge.load(checkpoint.size, readTile)
  if (!sameTree(edge, checkpoint))
    throw damaged(`log ${log.origin}`, `tiles that lead to the signed root`, 'others')
  if (remembered.size > edge.size) {
    // As much of the stage as it remembers.
    const first = staged.slice(0, remembered.size - edge.size)
    const next = edge.extend(first.map(({ entry }) => entry)).edge
    if (remembered.size > next.size) throw rolledBack(log, remembered.size, next.size)
    if (!sameTree(remembered, next)) throw forked(log, remembered, next)
  } else await checkOlder(log, edge, remembered, readTile)
  return { edge, remembered }
}

/** Sequences until the right is lost or `next` says that it is time to stop. */
export async function sequence(
  session: SequencerSession,
  context: SequencerContext,
  { next, submit, isAwaited, remembered, committed }: SequencerTurns,
): Promise<void> {
  const growth = await takeUp(session, context)
  // What the last holder staged stands: it may have been remembered, and whoever has it remembered again gets the same tree.
  let fresh = session.standing.staged
  const turn = async (done?: SharedCommit) =>
    submit(async (own) => session.turn({ done, own, remembered: growth.size }))
  if (fresh.length === 0) fresh = await turn()
  for (let goesOn = true; goesOn || growth.isGrown;) {
    if (fresh.length > 0) remembered(await growth.remember(fresh), fresh)
    const isDue = !goesOn || isAwaited() || growth.rest === 0
    const done = isDue && growth.isGrown ? await growth.sign() : undefined
    // What came meanwhile has left a word: where there is none, nothing is looked for.
    if (done === undefined && !session.isDue) goesOn = await next(growth.rest)
    fresh = await turn(done)
    if (done !== undefined) committed(done)
  }
}

async function takeUp(session: SequencerSession, context: SequencerContext): Promise<Growth> {
  const newest = await context.signer.newest()
  const judged = await judge(context, newest, session.standing)
  if (session.standing.head === undefined) await begin(session, context)
  return new Growth(context, judged)
}

/** A tree from what is committed to what is remembered. */
class Growth {
  readonly #context: SequencerContext
  #committed: TreeEdge
  #edge: TreeEdge
  #remembered: TreeHead
  #ids: number[] = []
  #full: Tile[] = []
  #due = 0

  constructor(context: SequencerContext, { edge, remembered }: Judged) {
    this.#context = context
    // Entries have rows of their own.
    this.#committed = this.#edge = edge.withoutBundles()
    this.#remembered = remembered
  }

  get size(): number {
    return this.#edge.size
  }

  get isGrown(): boolean {
    return this.#ids.length > 0
  }

  /** Milliseconds until it is time to sign. */
  get rest(): number {
    if (!this.isGrown) return Infinity
    return this.#ids.length >= maxGrowth ? 0 : Math.max(0, this.#due - performance.now())
  }

  /** Has the signer remember the tree with these: they are durably staged, and in every tree that it signs from then on. Gives the index of the first. */
  async remember(staged: readonly SubmittedEntry[]): Promise<number> {
    const { signer, readTile } = this.#context
    const from = this.#edge.size
    const extension = this.#edge.extend(staged.map(({ entry }) => entry))
    const { size, root } = extension.edge
    const nodes = nodesOf(extension, readTile)
    const consistency = await proveConsistency(this.#remembered.size, size, nodes)
    await signer.remember({ size, root, consistency })
    this.#remembered = this.#edge = extension.edge
    this.#ids.push(...staged.map(({ id }) => id))
    this.#full.push(...extension.full)
    return from
  }

  /** Has it signed. What this gives is to be committed before anything else is remembered. */
  async sign(): Promise<SharedCommit> {
    const { signer, log } = this.#context
    const { size, root } = this.#edge
    const note = await signer.sign({ size, root, consistency: [] })
    openAnswer(note, this.#edge, log)
    const from = this.#committed.size
    const tiles = [...this.#full.splice(0), ...this.#edge.partialTiles(from)]
    this.#committed = this.#edge
    this.#due = performance.now() + publishAfter
    return { head: { size, checkpoint: note }, from, ids: this.#ids.splice(0), tiles }
  }
}

/** Has entries submitted: all or none, as `SharedLogStore.submit`. */
export type Submit = <T>(turn: (own: readonly SubmittedEntry[]) => Promise<T>) => Promise<T>

/** What the sequencer asks, and tells. */
export interface SequencerTurns {
  /** Waits until there may be something to sequence, at most so many milliseconds; false to stop. */
  readonly next: (ms: number) => Promise<boolean>
  /** Gives what waits in this replica to `turn`, which submits it. */
  readonly submit: Submit
  /** Whether somebody waits to read what is in the log. */
  readonly isAwaited: () => boolean
  /** These are in the log from an index on, and can be read a moment later. */
  readonly remembered: (from: number, staged: readonly SubmittedEntry[]) => void
  readonly committed: (done: SharedCommit) => void
}

/**
 * Lets the signer of a replica that does not sequence remember the head, too: so an old copy of the store is refused
 * here as well. Does nothing when it remembers that, or more, already: signers may share one memory.
 */
export async function remember(
  { signer, log, readTile }: SequencerContext,
  head: { readonly size: number; readonly checkpoint: string },
): Promise<void> {
  const newest = await signer.newest()
  if (newest === undefined || newest.size >= head.size) return
  const { size, root } = openHead(head.checkpoint, head.size, log)
  const consistency = await proveConsistency(newest.size, size, tileNodes(size, readTile))
  try {
    await signer.remember({ size, root, consistency })
  } catch (problem) {
    const now = await signer.newest()
    if (now === undefined || now.size <= newest.size) throw problem
  }
}

async function begin(session: SequencerSession, { signer, log }: SequencerContext): Promise<void> {
  const { size, root } = TreeEdge.empty
  const note = await signer.sign({ size, root, consistency: [] })
  openAnswer(note, { size, root }, log)
  await session.begin(note)
}

async function checkOlder(
  log: LogIdentity,
  edge: TreeEdge,
  older: TreeHead,
  readTile: ReadTile,
): Promise<void> {
  if (older.size === 0) return
  const root = await treeRoot(older.size, tileNodes(edge.size, readTile))
  if (!sameTree(older, { size: older.size, root }))
    throw forked(log, older, { size: older.size, root })
}

/** Opens the checkpoint of a head. Anything that does not verify was not written by the log. */
export function openHead(note: string, size: number, log: LogIdentity) {
  try {
    const checkpoint = openCheckpoint(note, log)
    if (checkpoint.size === size) return checkpoint
    throw damaged('head of the log', `a checkpoint of size ${size}`, `one of ${checkpoint.size}`)
  } catch (cause) {
    if (cause instanceof SallyportError && cause.code === 'LOG_CORRUPT') throw cause
    const found = cause instanceof Error ? cause.message : String(cause)
    const expected = `a checkpoint signed by the keys of ${log.origin}`
    throw damaged('head of the log', expected, found, cause)
  }
}
