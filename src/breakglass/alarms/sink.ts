import type { SecurityEvent } from './event.ts'

/** A way to tell somebody. */
export interface Sink {
  /** Tells it from others, and never holds a secret: `webhook https://pager.example/hook`. */
  readonly name: string
  /**
   * Tells it. MUST resolve only when the other side has taken it, as far as the way allows; MUST reject otherwise, and
   * when the time is over.
   */
  send(event: SecurityEvent, options: { readonly timeoutMs: number }): Promise<void>
}
