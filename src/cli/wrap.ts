import { stripVTControlCharacters } from 'node:util'

/**
 * Breaks a text at spaces so that no line is wider than `width`; later lines start under the first. A text in
 * backticks is never broken: it is a command to copy.
 */
export function wrap(text: string, width: number | undefined, indent: number): string {
  const margin = ' '.repeat(indent)
  const lines = text.split('\n')
  const room = width === undefined ? Infinity : Math.max(24, width - indent)
  return lines.flatMap((line) => breakLine(line, room)).join(`\n${margin}`)
}

function breakLine(line: string, room: number): string[] {
  if (visible(line) <= room) return [line]
  const words = line.match(/[^\s`]*`[^`]*`\S*|\S+/g) ?? []
  const lines: string[] = []
  let current = ''
  for (const word of words) {
    if (current !== '' && visible(current) + 1 + visible(word) > room) {
      lines.push(current)
      current = word
    } else current = current === '' ? word : `${current} ${word}`
  }
  return [...lines, current]
}

/** Columns a text takes: colours take none. */
function visible(text: string): number {
  return stripVTControlCharacters(text).length
}
