import type { Entry } from '../entry.ts'

export const log = {} as const satisfies Record<string, Entry>
