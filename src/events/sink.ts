import { addAbortListener } from 'node:events'
import type { Message } from './message.ts'

/** A way to tell somebody. */
export interface Sink {
  /** Tells it from others, and never holds a secret: `webhook https://pager.example 3f2a9c1b`. */
  readonly name: string
  /** What it shares with others that fail when it does, such as their mail server; left out: its name. */
  readonly way?: string
  /** How many it takes at a time; more are never handed to it. */
  readonly most: number
  /**
   * Tells them, in this order. MUST resolve only when the other side has taken all of them, as far as the way allows; MUST
   * reject otherwise, when the time is over, and soon after `signal` is aborted. After a rejection some may have been heard:
   * they are told again.
   */
  send(messages: readonly Message[], options: SendOptions): Promise<void>
}

export interface SendOptions {
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Calls `end` when somebody wants no more; until it is disposed of. */
export function whenAborted(
  signal: AbortSignal | undefined,
  end: (reason: Error) => void,
): Disposable | undefined {
  return signal && addAbortListener(signal, () => end(new Error('broken off')))
}
