import type { Mount } from '#worker'

/** What a variation changes inside the sandbox, on top of what it changes around it. */
export interface Variation {
  readonly env?: Readonly<Record<string, string>>
  readonly mounts?: readonly Mount[]
}
