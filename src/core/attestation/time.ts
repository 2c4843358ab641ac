import type { Json } from '#document'
import { quote } from '#error'
import { readText, refuse } from './field.ts'

const rfc3339 =
  /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,9})?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/

/** An RFC 3339 timestamp that names a real day; kept as it was written, and `Date.parse` understands it. */
export function readTime(value: Json | undefined, where: string): string {
  const text = readText(value, where)
  const parts = rfc3339.exec(text)
  if (parts !== null && isDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return text
  const expected = 'an RFC 3339 time such as "2026-01-31T12:00:00Z"'
  throw refuse(
    'ATTESTATION_TIME',
    where,
    expected,
    quote(text, 60),
    `Make the attestation again with a tool that writes ${where} as ${expected}`,
  )
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)
  const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
  return day <= (days[month - 1] ?? 0)
}
