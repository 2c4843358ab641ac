import type { BodyStore } from '../ports.ts'

/**
 * Where a spool is kept: one file that is only added to, and bodies beside it. On another disk than the log, or it is
 * away when the log is.
 */
export interface SpoolStorage {
  /** What a person calls it, such as its folder. */
  readonly name: string

  /**
   * Takes the one right to use it, across processes; true when this object has it by now. MUST be given free by the
   * operating system when the process dies in any way.
   */
  take(): Promise<boolean>

  /** All of the file; empty when there is none. */
  read(): Promise<Uint8Array>

  /** A part of the file, shorter where the file ends. */
  readAt(from: number, length: number): Promise<Uint8Array>

  /** Adds to the file. MUST be durable when it resolves. */
  append(bytes: Uint8Array): Promise<void>

  /** Cuts the file off. MUST be durable when it resolves. */
  cut(length: number): Promise<void>

  /** Puts a new file in the place of the old. MUST be atomic, and durable when it resolves. */
  replace(bytes: Uint8Array): Promise<void>

  /** What entries refer to. */
  readonly bodies: BodyStore

  /** How many bytes the bodies have. */
  bodyBytes(): Promise<number>

  /** Removes all bodies. */
  clearBodies(): Promise<void>

  /**
   * Keeps a line apart from the file, where who can cut off the file cannot reach. It need not survive a power failure
   * unless it is `durable`.
   */
  remember(line: string, options: { readonly durable: boolean }): Promise<void>

  /** The line that was remembered last; undefined when there is none. */
  remembered(): Promise<string | undefined>

  close(): Promise<void>
}
