import { quote, SallyportError } from '#error'
import { refuse } from '../problem.ts'
import { describeWindow, type TimeWindow } from './trusted-root.ts'

export const repair =
  'Get the trusted root again from its publisher, or have the operator of the instance correct it'

/** Standard base64, and only the one way to write it. */
export function decodeBase64(text: string, where: string): Buffer {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.toString('base64') === text) return bytes
  throw refuse('SIGSTORE_ROOT_BASE64', where, 'standard base64', quote(text, 60), repair)
}

export function readWindow(
  { start, end }: { readonly start: string; readonly end?: string | undefined },
  where: string,
): TimeWindow {
  const window: TimeWindow =
    end === undefined
      ? { start: Date.parse(start) }
      : { start: Date.parse(start), end: Date.parse(end) }
  const isPossible = window.end === undefined || window.start <= window.end
  if (isPossible && Number.isFinite(window.start)) return window
  const found = Number.isFinite(window.start + (window.end ?? 0))
    ? describeWindow(window)
    : `${quote(start)} to ${quote(end ?? '')}`
  throw refuse('SIGSTORE_ROOT_WINDOW', where, 'an end that is not before the start', found, repair)
}

/** Runs a reader of something inside the root, and names the root's problem when it refuses. */
export function inRoot<T>(code: 'SIGSTORE_ROOT_KEY' | 'SIGSTORE_ROOT_CHAIN', read: () => T): T {
  try {
    return read()
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    throw refuse(code, cause.where ?? 'trusted root', cause.expected, cause.found, repair, cause)
  }
}
