import { createHash } from 'node:crypto'
import type { Described } from './upstream.ts'

/** Packuments of a moment ago, so that one install does not ask the registry twice for each package. */
export interface DescribedPackages {
  /** What is remembered. */
  known(key: string): Described | undefined
  keep(key: string, described: Described): void
}

interface Entry {
  readonly described: Described
  readonly at: number
}

const freshMs = 30_000
const maxWeight = 320 * 1024 * 1024

export function rememberDescribed(clock: () => Date): DescribedPackages {
  const entries = new Map<string, Entry>()
  let total = 0
  const drop = (key: string): void => {
    total -= entries.get(key)?.described.packument.weight ?? 0
    entries.delete(key)
  }
  const keep = (key: string, described: Described): void => {
    drop(key)
    entries.set(key, { described, at: clock().getTime() })
    total += described.packument.weight
    for (const oldest of entries.keys()) {
      if (total <= maxWeight) return
      drop(oldest)
    }
  }
  const known = (key: string): Described | undefined => {
    const entry = entries.get(key)
    const age = entry === undefined ? Infinity : clock().getTime() - entry.at
    return age >= 0 && age <= freshMs ? entry?.described : undefined
  }
  return { known, keep }
}

/** Whoever asks for something while it is asked for already waits for the same answer. */
export function joinRunning<T>(): (key: string, ask: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return (key, ask) => {
    const started = running.get(key) ?? ask().finally(() => running.delete(key))
    running.set(key, started)
    return started
  }
}

/** What was recorded already, so that the log has it once and not with every install. Forgets when it is full. */
export interface Recorded {
  has(text: string): boolean
  add(text: string): void
}

export function rememberRecorded(max = 50_000): Recorded {
  const keys = new Set<string>()
  const keyOf = (text: string): string => createHash('sha256').update(text).digest('base64')
  return {
    has: (text) => keys.has(keyOf(text)),
    add(text) {
      if (keys.size >= max) keys.clear()
      keys.add(keyOf(text))
    },
  }
}
