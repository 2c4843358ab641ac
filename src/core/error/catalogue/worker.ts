import type { Entry } from '../entry.ts'

export const worker = {} as const satisfies Record<string, Entry>
