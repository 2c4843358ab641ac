/** One measured line: our number, and the machine's own limit from the same run. */
export interface Row {
  readonly what: string
  readonly ours: string
  readonly limit: string
  /** The bar of the design, when there is one. */
  readonly bar?: string
}

export function print(title: string, rows: readonly Row[]): void {
  process.stdout.write(`\n${title}\n`)
  const width = Math.max(...rows.map(({ what }) => what.length))
  const ours = Math.max(...rows.map((row) => row.ours.length))
  for (const { what, ours: number, limit, bar } of rows) {
    const aim = bar === undefined ? '' : `   bar: ${bar}`
    process.stdout.write(
      `  ${what.padEnd(width)}  ${number.padEnd(ours)}   limit: ${limit}${aim}\n`,
    )
  }
}

export function perSecond(value: number): string {
  return `${Math.round(value).toLocaleString('en')}/s`
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(3) : value.toFixed(1)} ms`
}
