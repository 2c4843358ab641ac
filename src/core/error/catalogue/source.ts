import type { Entry } from '../entry.ts'

export const source = {} as const satisfies Record<string, Entry>
