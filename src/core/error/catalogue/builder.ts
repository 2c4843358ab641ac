import type { Entry } from '../entry.ts'

export const builder = {} as const satisfies Record<string, Entry>
