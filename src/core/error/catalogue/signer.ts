import type { Entry } from '../entry.ts'

export const signer = {} as const satisfies Record<string, Entry>
