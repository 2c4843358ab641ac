import { escapeJson } from '#error'

/** A document as it is printed. Whoever reads it as JSON reads the same; a terminal obeys nothing that stands in it. */
export function jsonText(document: object): string {
  return escapeJson(JSON.stringify(document, undefined, 2))
}
