import { InvalidArgumentError } from 'commander'

/** A time with its zone (RFC 3339). */
export function parseTime(text: string): Date {
  const time = new Date(text)
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(time.getTime()))
    return time
  throw new InvalidArgumentError('a time with zone such as 2026-06-01T12:00:00Z')
}
