import type { Entry } from '../entry.ts'

export const config = {} as const satisfies Record<string, Entry>
