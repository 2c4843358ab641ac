/**
 * The beginning of a text that somebody else has chosen, in at most `most` UTF-16 units. Canonical JSON takes no half of a
 * surrogate pair: where a pair is cut through, or half of one stood there, is U+FFFD.
 */
export function cut(text: string, most: number): string {
  return text.slice(0, most).toWellFormed()
}
