import type { OpenedCheckpoint, Tile, TreeEdge } from '#merkle'
import type { Head } from './head.ts'

/** What a publisher does its work with. */
export interface PublisherOptions {
  /** The tree that everybody can read by now. */
  readonly from: Head
  /** Milliseconds from the beginning of one publication to that of the next, unless somebody waits for it. */
  readonly every: number
  /** When the last one before began, in milliseconds of `performance.now`. */
  readonly begun: number
  /**
   * Has the tree of `head` signed and writes what it has and the one that was `published` before has not, then its
   * checkpoint. Called when nothing else is asked of the signer: that tree is the newest one it remembers.
   */
  readonly write: (
    published: TreeEdge,
    head: Head,
    full: readonly Tile[],
  ) => Promise<OpenedCheckpoint>
  /** Told when a checkpoint, and all that belongs to it, can be read by everybody. */
  readonly published: (checkpoint: OpenedCheckpoint) => void
}

/** Publishes beside the commits, so that nobody who appends waits for it: one tree at a time, and not every one. */
export class Publisher {
  readonly #options: PublisherOptions
  #published: Head
  #newest: Head
  readonly #full: Tile[] = []
  #begun: number
  #running: Promise<void> | undefined
  #failed: { readonly cause: unknown } | undefined

  constructor(options: PublisherOptions) {
    this.#options = options
    this.#published = this.#newest = options.from
    this.#begun = options.begun
  }

  /** When the last publication began. */
  get begun(): number {
    return this.#begun
  }

  /** Milliseconds until it is time to publish; 0 when it is. */
  get rest(): number {
    return Math.max(0, this.#begun + this.#options.every - performance.now())
  }

  /** Resolves, whatever came of it, when nothing is being written any more; undefined when nothing is. */
  get running(): Promise<void> | undefined {
    return this.#running
  }

  /** Whether there is nothing left to publish. */
  get isDone(): boolean {
    return this.#running === undefined && this.#published === this.#newest
  }

  /**
   * A newer tree, with the tiles that have become full in it. It is published now if it is time. Like `begin`, to be
   * called when nothing is asked of the signer.
   */
  offer(head: Head, full: readonly Tile[]): void {
    this.#newest = head
    this.#full.push(...full)
    if (this.rest === 0) this.begin()
  }

  /** Publishes the newest tree, unless something is being published already. */
  begin(): void {
    if (this.#failed === undefined && this.#published !== this.#newest)
      this.#running ??= this.#publish(this.#newest, this.#full.splice(0))
  }

  get hasFailed(): boolean {
    return this.#failed !== undefined
  }

  /** @throws what publishing failed with */
  check(): void {
    if (this.#failed !== undefined) throw this.#failed.cause
  }

  async #publish(head: Head, full: readonly Tile[]): Promise<void> {
    this.#begun = performance.now()
    try {
      const checkpoint = await this.#options.write(this.#published.edge, head, full)
      this.#published = head
      this.#options.published(checkpoint)
    } catch (cause) {
      this.#failed = { cause }
    } finally {
      this.#running = undefined
    }
  }
}
