/** For options that may be given several times: `--bundle a --bundle b`. */
export function collect(value: string, previous: readonly string[]): readonly string[] {
  return [...previous, value]
}
