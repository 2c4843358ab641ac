/** `1 file`, `2 files`. */
export function plural(count: number, noun: string): string {
  return count === 1 ? noun : `${noun}s`
}

/** `12.3 MiB` */
export function bytes(count: number): string {
  return count < 1024 * 1024
    ? `${(count / 1024).toFixed(1)} KiB`
    : `${(count / 1024 / 1024).toFixed(1)} MiB`
}
