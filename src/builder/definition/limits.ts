import type { Limits } from '#worker'
import type { Recipe } from '../recipe/schema.ts'
import { parseDuration, parseSize } from '../recipe/units.ts'

const mebibyte = 1024 ** 2
const gibibyte = 1024 ** 3

const defaults: Limits = {
  memoryBytes: 4 * gibibyte,
  processes: 512,
  diskBytes: 2 * gibibyte,
  inodes: 500_000,
  wallSeconds: 600,
  outputBytes: gibibyte,
  logBytes: 16 * mebibyte,
}

export function limitsOf({ limits }: Recipe): Limits {
  const size = (text: string | undefined): number | undefined =>
    text === undefined ? undefined : parseSize(text)
  return {
    ...defaults,
    memoryBytes: size(limits.memory) ?? defaults.memoryBytes,
    diskBytes: size(limits.disk) ?? defaults.diskBytes,
    processes: limits.processes ?? defaults.processes,
    wallSeconds:
      (limits.wall === undefined ? undefined : parseDuration(limits.wall)) ?? defaults.wallSeconds,
  }
}
