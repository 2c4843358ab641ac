import type { Message } from './message.ts'

/** A way to tell somebody. */
export interface Sink {
  /** Tells it from others, and never holds a secret: `webhook https://pager.example 3f2a9c1b`. */
  readonly name: string
  /** How many it takes at a time; more are never handed to it. */
  readonly most: number
  /**
   * Tells them, in this order. MUST resolve only when the other side has taken all of them, as far as the way allows; MUST
   * reject otherwise, and when the time is over. After a rejection some may have been heard: they are told again.
   */
  send(messages: readonly Message[], options: { readonly timeoutMs: number }): Promise<void>
}
