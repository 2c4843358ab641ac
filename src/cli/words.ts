import { escapeLine } from './escape.ts'

/** Several of what shows as nothing: white space, and letters that are blank. */
const gap = /[\s\u115f\u1160\u2800\u3164\uffa0]{2,}/gu

/**
 * What somebody else has chosen to write, on one line: no gap in it fills the rest of a line, so that what follows looks like a line
 * of its own. Where `most` is said it is cut, and says so.
 */
export function words(text: string, most = Infinity): string {
  const line = escapeLine(text).replace(gap, ' ')
  return line.length > most ? `${line.slice(0, most).toWellFormed()}…` : line
}

/** The first of them, and how many more there are. */
export function firstOf(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).map((name) => words(name, 100))
  const more = names.length - shown.length
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
