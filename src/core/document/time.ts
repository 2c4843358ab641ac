const rfc3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/

/** The time that a text says with its zone (RFC 3339, section 5.6, in upper case); undefined for any other text. */
export function timeIn(text: string): Date | undefined {
  if (!rfc3339.test(text)) return undefined
  const time = new Date(text)
  return Number.isNaN(time.getTime()) ? undefined : time
}

/**
 * Milliseconds that something lasts, from `since` to `now` in milliseconds since 1970. What began in the future began before a clock
 * was set back: nobody knows for how long it lasts, and what is far enough away counts as long.
 */
export function lasting(since: number, now: number): number {
  return Math.abs(now - since)
}
