import type { Message } from './message.ts'

/** A message of a stream, and the place to go on from once it has been told. */
export interface Placed {
  readonly place: number
  readonly message: Message
}

/**
 * What outlives the process that tells events: those that wait, and how far each sink has come in each stream. Several
 * processes may have it open. What a method has written MUST be there after `kill -9`; what `append` has written MUST be
 * there when the power went, too. (A sink whose place is lost with the power hears some twice.)
 */
export interface EventStore {
  /**
   * Adds to the end as long as fewer than `most` wait, and counts the others, durably. How many were dropped is told by the
   * message that `about` makes, which is added first, as soon as there is room. Gives how many were dropped now.
   */
  append(messages: readonly Message[], options: AppendOptions): number
  /** What comes after a place, oldest first. */
  read(after: number, limit: number): readonly Placed[]
  /** The place of the newest, of all there ever were; 0: there was none. */
  end(): number
  /** Lets go of everything up to a place, and that included. */
  forget(upTo: number): void
  /** How many wait. */
  waiting(): number
  /** How far a sink has come in a stream; undefined: it has not begun. */
  placeOf(sink: string, stream: string): number | undefined
  keepPlace(sink: string, stream: string, place: number): void
  /** Whether this process is the one that tells: one of all that have it open, until it closes it or ends. */
  take(): boolean
  close(): void
}

export interface AppendOptions {
  readonly most: number
  readonly about: (dropped: number) => Message
}

/** Events in an order that stands, which can be read from any place again. Places are numbers that only grow. */
export interface EventStream {
  /** Tells it from others, for as long as places in it mean the same. */
  readonly name: string
  /** The place after everything that there is now. */
  end(): Promise<number>
  /** What comes after a place, as far as about `limit` messages, and the place to go on from. */
  read(from: number, limit: number): Promise<Portion>
}

export interface Portion {
  readonly messages: readonly Placed[]
  readonly next: number
}
