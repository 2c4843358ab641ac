/** A part of a blob, both ends included (RFC 9110 §14). */
export interface Range {
  readonly start: number
  readonly end: number
}

/** Undefined: the whole. Several ranges and other units are the whole, too, as the RFC allows. */
export function rangeOf(
  header: string | undefined,
  size: number,
): Range | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (from !== '') return between(Number(from), to === '' ? size - 1 : Number(to), size)
  if (to === '') return undefined
  const length = Math.min(Number(to), size)
  return length === 0 ? 'unsatisfiable' : { start: size - length, end: size - 1 }
}

function between(start: number, end: number, size: number): Range | 'unsatisfiable' | undefined {
  if (start >= size) return 'unsatisfiable'
  return end < start ? undefined : { start, end: Math.min(end, size - 1) }
}
