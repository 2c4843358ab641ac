import type { Entry } from '../entry.ts'

export const decision = {} as const satisfies Record<string, Entry>
