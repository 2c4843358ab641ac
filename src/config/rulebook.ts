import { resolve } from 'node:path'
import { z } from 'zod'

const path = z.string().min(1).max(4096)

/** `rulebook` of `sallyport.yaml`: with it, policies and trust file count only when their owners have signed them. */
export const rulebookSchema = z.strictObject({
  trust: z.string().min(1).max(128).describe('the name that the trust file gives itself'),
  keys: z
    .array(
      z.strictObject({
        owner: z.string().min(1).max(200),
        publicKey: z.string().min(1).max(20_000).describe('PEM, SubjectPublicKeyInfo'),
        scheme: z.string().min(1).max(40).optional(),
      }),
    )
    .min(1)
    .max(64),
  threshold: z.int().min(1).max(64).describe('how many distinct owners have to sign each file'),
  expires: z.iso.datetime({ offset: true }).optional(),
  rotations: path.default('rulebook-keys'),
  memory: path.default('rulebook.memory'),
})

/** Who has to sign policies and trust file, and where what was seen of them is remembered. */
export interface RulebookConfig {
  /** The name of the trust file that counts: another one, however well signed, was meant for another gate. */
  readonly trust: string
  readonly keys: readonly {
    readonly owner: string
    readonly publicKey: string
    readonly scheme?: string
  }[]
  readonly threshold: number
  readonly expires?: string
  /** A folder with `2.yaml`, `3.yaml`, …: the keys that follow those above, one by one. */
  readonly rotations: string
  /** A folder with the newest edition of each file that was ever believed. */
  readonly memory: string
}

export function rulebookOf(home: string, written: z.output<typeof rulebookSchema>): RulebookConfig {
  const { trust, keys, threshold, expires, rotations, memory } = written
  return {
    trust,
    keys: keys.map(({ owner, publicKey, scheme }) => ({
      owner,
      publicKey,
      ...(scheme === undefined ? {} : { scheme }),
    })),
    threshold,
    ...(expires === undefined ? {} : { expires }),
    rotations: resolve(home, rotations),
    memory: resolve(home, memory),
  }
}
