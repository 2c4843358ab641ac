import type { Entry } from '../entry.ts'

export const attestation = {} as const satisfies Record<string, Entry>
