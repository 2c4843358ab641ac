import type { Entry } from '../entry.ts'

export const trust = {} as const satisfies Record<string, Entry>
