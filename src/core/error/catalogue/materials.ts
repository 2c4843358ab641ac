import type { Entry } from '../entry.ts'

export const materials = {} as const satisfies Record<string, Entry>
