import { escapeLine } from './escape.ts'
import type { Paint } from './paint.ts'

const widest = 100

/** The line of a file that something is wrong with, and a mark under where it begins, as compilers show it. */
export function excerpt(
  text: string,
  { line, column }: { readonly line: number; readonly column: number },
  paint: Paint,
): readonly string[] {
  const source = text.split('\n')[line - 1]?.replace(/\r$/, '')
  if (source === undefined) return []
  const number = String(line)
  const gutter = ' '.repeat(number.length)
  // Of a long line, the part around the mark.
  const start = column > widest - 20 ? column - 21 : 0
  const before = escapeLine(source.slice(start, column - 1)).replaceAll('\\u0009', ' ')
  const after = escapeLine(source.slice(column - 1, start + widest)).replaceAll('\\u0009', ' ')
  const [token = ''] = /^[^\s:,\]}]*/.exec(after) ?? []
  const mark = '^'.repeat(Math.max(1, token.length))
  const bar = paint.faint('|')
  return [
    `  ${gutter} ${bar}`,
    `  ${paint.faint(number)} ${bar} ${start > 0 ? '…' : ''}${before}${after}${source.length > start + widest ? '…' : ''}`,
    `  ${gutter} ${bar} ${start > 0 ? ' ' : ''}${' '.repeat(before.length)}${paint.warn(mark)}`,
  ]
}
