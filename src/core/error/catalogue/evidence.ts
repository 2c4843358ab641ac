import type { Entry } from '../entry.ts'

export const evidence = {} as const satisfies Record<string, Entry>
