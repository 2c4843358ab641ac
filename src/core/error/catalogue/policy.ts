import type { Entry } from '../entry.ts'

export const policy = {} as const satisfies Record<string, Entry>
