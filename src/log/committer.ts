import { setTimeout as wait } from 'node:timers/promises'
import { SallyportError } from '#error'
import {
  openCheckpoint,
  parseTilePath,
  proveConsistency,
  sameTree,
  tilePath,
  tileWidth,
  tileWidthIn,
  type LogIdentity,
  type OpenedCheckpoint,
  type ReadTile,
  type Tile,
  type TreeEdge,
} from '#merkle'
import { nodesOf } from './extension-nodes.ts'
import { openAnswer, type Head, type Standing } from './head.ts'
import { encodeRecord, parseJournal } from './journal.ts'
import type { CheckpointSigner, JournalMark, LogStorage, LogWriter } from './ports.ts'
import { Publisher } from './publisher.ts'
import { beginJournal, hasFullTile, isFullTile, recover, writeJournal } from './recover.ts'
import { storedTiles } from './stored-tiles.ts'
import { checkpointPath } from './view.ts'

/** How long things may wait. */
export interface LogLimits {
  /**
   * Milliseconds between two publications, unless somebody waits for what is committed to be published. Writing tiles for
   * every commit would cost more than the commits. 100 when it is not said.
   */
  readonly publishAfter: number
  /** Milliseconds that a turn lasts at least, if others wait for theirs. 20 when it is not said. */
  readonly turn: number
  /**
   * The journal is replaced when it is longer, which bounds what a recovery has to do again: beside the commits, or, when it
   * has become twice as long, before the next one. 128 MiB when it is not said.
   */
  readonly journalBytes: number
  /** Full tiles are settled beside the commits from this many on, so that little is left when the journal is replaced. 16 when it is not said. */
  readonly unsettledTiles: number
}

export const usualLimits: LogLimits = {
  publishAfter: 250,
  turn: 20,
  journalBytes: 128 * 2 ** 20,
  unsettledTiles: 16,
}

/** Entries that are committed in one. */
export interface Batch {
  readonly entries: readonly Uint8Array[]
  /** Told when they are durable and remembered by the signer: the index of the first. */
  readonly committed: (first: number) => void
}

/** What a turn works for. */
export interface Turn {
  /** What to commit next; undefined when there is nothing now. */
  readonly next: () => Batch | undefined
  /** Resolves when there is something to commit. */
  readonly arrival: () => Promise<void>
  /** Whether somebody waits for what is committed to be published. That they begin to, `arrival` tells, too. */
  readonly isAwaited: () => boolean
  /** Told when a checkpoint, and all that belongs to it, can be read by everybody. */
  readonly published: (checkpoint: OpenedCheckpoint) => void
}

/**
 * The commit protocol, one commit at a time. It owns `#head`, what this process knows of the log, and compares it
 * with the journal under the lock before it uses it, because other processes append too.
 */
export class Committer {
  readonly #storage: LogStorage
  readonly #signer: CheckpointSigner
  readonly #log: LogIdentity
  readonly #limits: LogLimits
  readonly #storedTile: ReadTile
  #head: Head | undefined
  /** The newest that is published: the tree of `#head`, whenever a turn begins, and when one ends well. */
  #published: Standing | undefined
  /** A published tree of which everything is durable: the head of the next journal. */
  #next: Standing | undefined
  /** How often others were found to have written, or may have. */
  #surprises = 0
  /** Full tiles beside which partial ones may still be. */
  readonly #unpruned: string[] = []
  /** When something was published last, in milliseconds of `performance.now`. */
  #publishedAt = -Infinity
  /** A commit failed after it began to write: what is stored must be looked at again. */
  #uncertain = false

  constructor(storage: LogStorage, signer: CheckpointSigner, log: LogIdentity, limits: LogLimits) {
    this.#limits = limits
    this.#storage = storage
    this.#signer = signer
    this.#log = log
    this.#storedTile = storedTiles(storage)
  }

  /** Recovers if need be, learns what others have appended, and gives the newest checkpoint. */
  async refresh(): Promise<OpenedCheckpoint> {
    return this.#locked(async (writer) => (await this.#current(writer)).checkpoint)
  }

  /**
   * Takes the lock and commits as long as there is something to commit and nobody else waits for the lock; publishes
   * beside it. Entries for which `committed` was called are safe whatever happens afterwards: when it rejects then, the
   * log has failed, not they.
   */
  async turn(turn: Turn): Promise<void> {
    await this.#locked(async (writer) => {
      const before = await this.#current(writer)
      turn.published(before.checkpoint)
      const publisher = new Publisher({
        from: before.head,
        every: this.#limits.publishAfter,
        begun: this.#publishedAt,
        write: async (...what) => this.#publish(writer, ...what),
        published: turn.published,
      })
      try {
        await this.#commitAll(writer, publisher, turn)
      } catch (failure) {
        this.#uncertain = true
        if (!isFatal(failure)) publisher.begin()
        throw failure
      } finally {
        // Nothing may be written any more when the lock is given back.
        await publisher.running
        this.#publishedAt = publisher.begun
      }
      const now = this.#standing()
      if (this.#isTooLong(now.head)) await this.#replaceJournal(writer, now)
    })
  }

  /**
   * Housekeeping beside the commits. Partial tiles go as soon as the full one is there, because those of one bundle
   * may take a hundred times its size; the journal still has everything but the tree at its head, whose partial tiles go
   * when the full one is durable. Full tiles are made durable a few at a time.
   */
  async tidy(): Promise<void> {
    const head = this.#head
    if (head === undefined) return
    const surprises = this.#surprises
    const { unsettled, mark } = head
    const next = mark.length > this.#limits.journalBytes ? this.#published : undefined
    await this.#prune(head)
    const full = [...unsettled].filter(isFullTile)
    if (full.length < this.#limits.unsettledTiles && next === undefined) return
    const paths = next === undefined ? full : [...unsettled]
    await this.#storage.settle(paths)
    for (const path of paths) unsettled.delete(path)
    if (surprises === this.#surprises) this.#next = next ?? this.#next
  }

  /** Trees that a journal may begin with keep their tiles. What is published now has all of `#unpruned` as full ones. */
  async #prune({ unsettled, base }: Head): Promise<void> {
    const unpruned = this.#unpruned.splice(0)
    const needed = [base, this.#next?.head.edge.size ?? 0]
    await this.#storage.settle(
      unpruned.filter((full) => needed.some((size) => isPartialIn(size, full))),
    )
    await this.#storage.prune(unpruned)
    for (const path of unsettled) if (hasFullTile(path, unpruned)) unsettled.delete(path)
  }

  /** Leaves a log of which everything is durable, with nothing to recover. Gives its checkpoint. */
  async finish(): Promise<OpenedCheckpoint> {
    return this.#locked(async (writer) => {
      const now = await this.#current(writer)
      const { unsettled, base, edge } = now.head
      if (unsettled.size > 0 || base < edge.size) await this.#replaceJournal(writer, now)
      return now.checkpoint
    })
  }

  /** Until everything is committed and published, or it is the turn of others. */
  async #commitAll(writer: LogWriter, publisher: Publisher, turn: Turn): Promise<void> {
    const begun = { size: this.#known().edge.size, looked: performance.now() }
    let answer = nothing
    let over = false
    for (let isIdle = false; ;) {
      over ||= publisher.hasFailed || this.#isOver(writer, begun)
      const batch = over ? undefined : turn.next()
      const committing = batch && this.#commit(writer, batch, publisher, turn)
      // The disk and the signer are at work on these while those before are told.
      answer()
      answer = (await committing) ?? nothing
      if (committing !== undefined) {
        isIdle = false
        continue
      }
      publisher.check()
      if (!over && !isIdle) {
        // Whoever was just told may have more to append: that is known one turn of the event loop later.
        isIdle = true
        await nextTurn()
        continue
      }
      if (publisher.isDone) return
      await (over ? this.#leave(publisher) : this.#untilPublished(publisher, turn))
    }
  }

  /** Publishes what is committed, for it is the turn of others. */
  async #leave(publisher: Publisher): Promise<void> {
    publisher.begin()
    await publisher.running
  }

  /** With nothing to commit: publishes when it is time or when somebody waits, and comes back for whatever comes first. */
  async #untilPublished(publisher: Publisher, turn: Turn): Promise<void> {
    const rest = turn.isAwaited() ? 0 : publisher.rest
    if (rest === 0) publisher.begin()
    // No longer than a turn lasts if others wait for theirs: whether they do is looked at after this.
    const done = publisher.running ?? wait(Math.min(rest, this.#limits.turn))
    await Promise.race([done, turn.arrival()])
  }

  /** Gives what is to be called to tell those who wait. */
  async #commit(
    writer: LogWriter,
    batch: Batch,
    publisher: Publisher,
    turn: Turn,
  ): Promise<() => void> {
    if (this.#next !== undefined) await this.#renewJournal(writer, publisher, this.#next)
    const before = this.#known()
    const { head, full } = await this.#append(writer, before, batch.entries)
    this.#head = head
    publisher.offer(head, full)
    if (turn.isAwaited()) publisher.begin()
    return () => batch.committed(before.edge.size)
  }

  /**
   * Whether others come first now, who wait for the lock or for a journal that has become too long. Every turn commits
   * once: otherwise nobody would ever be answered where the journal is always too long, or somebody always waits.
   */
  #isOver(writer: LogWriter, begun: { readonly size: number; looked: number }): boolean {
    const head = this.#known()
    if (head.edge.size === begun.size) return false
    if (this.#isTooLong(head)) return true
    // To look is a transaction of the lock's database: not with every commit.
    if (performance.now() - begun.looked <= this.#limits.turn) return false
    begun.looked = performance.now()
    return writer.isWanted()
  }

  /** Longer than it becomes while the next one is made ready beside the commits. */
  #isTooLong({ mark }: Head): boolean {
    return mark.length > 2 * this.#limits.journalBytes
  }

  async #locked<T>(work: (writer: LogWriter) => Promise<T>): Promise<T> {
    const writer = await this.#storage.lock()
    try {
      return await work(writer)
    } finally {
      await writer.unlock()
    }
  }

  async #current(writer: LogWriter): Promise<Standing> {
    const known = this.#uncertain || this.#head === undefined ? undefined : this.#standing()
    const mark = await writer.journalMark()
    const caughtUp =
      known === undefined || mark === undefined
        ? undefined
        : await this.#catchUp(writer, known, mark)
    const current = caughtUp ?? (await recover({ ...this.#context(writer), log: this.#log }))
    if (current !== known) {
      // Others, who wrote meanwhile, know nothing of what it needs.
      this.#next = undefined
      this.#surprises += 1
    }
    this.#head = current.head
    this.#published = current
    this.#uncertain = false
    return current
  }

  /** What is known when all of it is published. */
  #standing(): Standing {
    const [head, checkpoint] = [this.#known(), this.#published?.checkpoint]
    if (checkpoint === undefined || !sameTree(checkpoint, head.edge))
      throw new Error('the newest tree is not published')
    return { head, checkpoint }
  }

  /** What this process knows of the log, under the lock, after `#current`. */
  #known(): Head {
    if (this.#head === undefined) throw new Error('nothing is known of the log')
    return this.#head
  }

  #context(writer: LogWriter) {
    return { storage: this.#storage, signer: this.#signer, writer }
  }

  /** Follows what other processes have appended; undefined when that is not all that has happened. */
  async #catchUp(
    writer: LogWriter,
    known: Standing,
    mark: JournalMark,
  ): Promise<Standing | undefined> {
    const { head } = known
    if (mark.generation !== head.mark.generation || mark.length < head.mark.length) return undefined
    if (mark.length === head.mark.length) return known
    const added = await writer.readJournal(head.mark.length)
    const { records, digest, end } = parseJournal(added, head.digest)
    let { edge } = head
    for (const record of records) {
      if (record.kind !== 'batch' || record.size !== edge.size) return undefined
      const grown = edge.extend(record.entries)
      edge = grown.edge
      for (const tile of grown.tiles()) head.unsettled.add(tilePath(tile))
    }
    const note = await this.#storage.read(checkpointPath)
    if (note === undefined || end < added.length) return undefined
    const checkpoint = openCheckpoint(Buffer.from(note).toString(), this.#log)
    // A batch without its checkpoint: its writer died before the signer answered.
    if (!sameTree(checkpoint, edge)) return undefined
    return { head: { ...head, edge, remembered: edge, mark, digest }, checkpoint }
  }

  /**
   * Stage, and have the signer remember. An entry is in the log from the moment the signer remembers its tree: the journal
   * has it, and nothing else is signed, so whatever happens afterwards, recovery arrives at the same tree.
   */
  async #append(writer: LogWriter, head: Head, entries: readonly Uint8Array[]) {
    const extension = head.edge.extend(entries)
    const { edge, full } = extension
    const { journalKey } = this.#signer
    const batch = { kind: 'batch', size: head.edge.size, entries } as const
    const record = encodeRecord(batch, head.digest, journalKey)
    const [, consistency] = await Promise.all([
      writer.appendJournal(record.bytes),
      proveConsistency(head.remembered.size, edge.size, nodesOf(extension, this.#storedTile)),
    ])
    await this.#signer.remember({ size: edge.size, root: edge.root, consistency })
    const length = head.mark.length + record.bytes.length
    const { unsettled, base } = head
    const mark = { ...head.mark, length }
    return {
      head: { edge, remembered: edge, mark, base, digest: record.digest, unsettled },
      full,
    }
  }

  /**
   * Sign, apply and publish: every tile that the tree of `head` has and the published one had not, then its checkpoint. The
   * signer is asked at once: the next commit, which has it remember more, is not that far.
   */
  async #publish(writer: LogWriter, published: TreeEdge, head: Head, full: readonly Tile[]) {
    const { edge, unsettled } = head
    const { size, root } = edge
    const note = await this.#signer.sign({ size, root, consistency: [] })
    const checkpoint = openAnswer(note, edge, this.#log)
    const partial = edge.partialTiles(published.size)
    const files = [...full, ...partial].map((tile) => ({ path: tilePath(tile), bytes: tile.bytes }))
    await writer.write(files)
    await writer.write([{ path: checkpointPath, bytes: Buffer.from(note) }])
    for (const { path } of files) unsettled.add(path)
    this.#unpruned.push(...full.map(tilePath))
    this.#published = { head, checkpoint }
    return checkpoint
  }

  /**
   * Puts a journal in the place of the old one that begins with the tree of `next`, and goes on with the batches after
   * it. Nothing is being published meanwhile.
   */
  async #renewJournal(writer: LogWriter, publisher: Publisher, next: Standing): Promise<void> {
    await publisher.running
    this.#next = undefined
    const head = this.#known()
    const from = next.head.mark
    if (from.generation !== head.mark.generation) return
    const added = await writer.readJournal(from.length)
    const { records, digest, end } = parseJournal(added, next.head.digest)
    // What is sealed anew is what was written here, and nothing that somebody has put in its place.
    const isOurs =
      end === head.mark.length - from.length && Buffer.compare(digest, head.digest) === 0
    if (!isOurs) return
    this.#uncertain = true
    const begun = await writeJournal(this.#context(writer), next.checkpoint, records)
    this.#head = { ...head, ...begun, base: next.head.edge.size }
    this.#uncertain = false
  }

  async #replaceJournal(writer: LogWriter, { head, checkpoint }: Standing): Promise<void> {
    this.#uncertain = true
    this.#head = await beginJournal(this.#context(writer), head, checkpoint)
    this.#uncertain = false
  }
}

/** Whether the tree of `size` has a partial tile where this full one is. */
function isPartialIn(size: number, fullTile: string): boolean {
  const width = tileWidthIn(size, parseTilePath(fullTile))
  return width > 0 && width < tileWidth
}

const nothing = (): void => {}
const nextTurn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** After this nothing is written any more. */
function isFatal(failure: unknown): boolean {
  return failure instanceof SallyportError && failure.code === 'LOG_STORAGE_FAILED'
}
