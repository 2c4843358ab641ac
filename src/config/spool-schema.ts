import { resolve } from 'node:path'
import { z } from 'zod'

/** `log.spool`: where decisions wait, durable, while the database of the log is away. `false`: nowhere, and nothing is admitted then. */
export const spoolSchema = z
  .union([
    z.literal(false),
    z.strictObject({
      // Named here, it is taken for a disk that outlives process, container and machine.
      folder: z.string().min(1).max(4096).optional(),
      maxEntries: z.int().min(1).max(1_000_000).default(50_000),
      maxBytes: z
        .int()
        .min(65_536)
        .max(2 ** 40)
        .default(128 * 2 ** 20),
    }),
  ])
  .prefault({})

/** Where decisions wait while the database of the log is away. */
export interface SpoolConfig {
  readonly folder: string
  /** Whether the folder was named: otherwise its file system is looked at before it is trusted. */
  readonly isNamed: boolean
  /** The file that remembers its newest line. */
  readonly memory: string
  readonly maxEntries: number
  readonly maxBytes: number
}

/** Every path absolute; undefined where there is no spool. A log in files has none: it would be on the same disk. */
export function spoolOf(
  home: string,
  spool: z.output<typeof spoolSchema>,
  { memory, isShared }: { readonly memory: string; readonly isShared: boolean },
): SpoolConfig | undefined {
  if (spool === false || !isShared) return undefined
  const { folder, maxEntries, maxBytes } = spool
  return {
    folder: resolve(home, folder ?? 'spool'),
    isNamed: folder !== undefined,
    memory: `${memory}.spool`,
    maxEntries,
    maxBytes,
  }
}
