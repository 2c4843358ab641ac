import { stripVTControlCharacters } from 'node:util'

/** Columns that line up, two spaces apart; the last one is not padded. */
export function table(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = []
  for (const row of rows) {
    for (const [index, cell] of row.entries())
      widths[index] = Math.max(widths[index] ?? 0, visible(cell))
  }
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) =>
        index === row.length - 1
          ? cell
          : cell + ' '.repeat(Math.max(0, (widths[index] ?? 0) - visible(cell))),
      )
      .join('  ')
  return rows.map((row) => (indent + line(row)).trimEnd()).join('\n')
}

function visible(text: string): number {
  return stripVTControlCharacters(text).length
}
