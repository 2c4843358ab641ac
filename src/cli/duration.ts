import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
}

/** `30d`, `12h`, `45m`: whole numbers of one unit, as in policies. */
export function parseDuration(text: string): number {
  const [, count = '', unit = ''] = /^([1-9][0-9]{0,5})([smhdw])$/.exec(text) ?? []
  const factor = units[unit]
  if (factor === undefined) throw new InvalidArgumentError('such as 30d, 12h or 45m')
  return Number(count) * factor
}

/** As `parseDuration` takes it: `4h`, `90m`. */
export function writeDuration(milliseconds: number): string {
  const [unit, size] = Object.entries(units)
    .toReversed()
    .find(([name, one]) => name !== 'w' && milliseconds % one === 0) ?? ['s', 1000]
  return `${milliseconds / size}${unit}`
}

/** `0.8 s`, `3.2 s`, `1 min 12 s`: as exact as a reader cares. */
export function formatDuration(milliseconds: number): string {
  if (milliseconds < 10_000) return `${(milliseconds / 1000).toFixed(1)} s`
  const seconds = Math.round(milliseconds / 1000)
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}

/** `12 B`, `3.4 MiB`. */
export function formatBytes(bytes: number): string {
  const names = ['B', 'KiB', 'MiB', 'GiB']
  let value = bytes
  let index = 0
  while (value >= 1024 && index < names.length - 1) {
    value /= 1024
    index += 1
  }
  return index === 0 ? `${bytes} B` : `${value.toFixed(1)} ${names[index] ?? ''}`
}
