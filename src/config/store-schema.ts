import { resolve } from 'node:path'
import { z } from 'zod'

const path = z.string().min(1).max(4096)

const database = z
  .string()
  .max(2000)
  .refine(
    (text) => isDatabase(text),
    'an address such as "postgresql://sallyport@db.example:5432/sallyport", without password and query',
  )

function isDatabase(text: string): boolean {
  const url = URL.parse(text)
  if (url?.protocol !== 'postgresql:' && url?.protocol !== 'postgres:') return false
  return url.password === '' && url.username !== '' && url.host !== '' && !/[?#]/.test(text)
}

/** `store` of `sallyport.yaml`: where log and bodies are kept. Left out: in files of the home folder. */
export const storeSchema = z.strictObject({
  postgres: z
    .strictObject({
      url: database.optional(),
      urlFile: path
        .optional()
        .describe('a file of mode 0600 whose one line is the address, which may hold a password'),
      passwordFile: path.optional().describe('a file of mode 0600; read again for each connection'),
      ca: path
        .optional()
        .describe('PEM certificates of the authorities that may vouch for the database'),
      // Who this gate is: with both, the database need not ask for a password.
      certificate: path
        .optional()
        .describe('PEM certificate of this gate, then those that lead to its authority'),
      key: path.optional().describe('its private key, a PEM file of mode 0600'),
      // Without TLS only a database of this machine is spoken to, unless somebody says that the way there is safe.
      plaintextUnsafe: z.boolean().default(false),
      sequencer: z.boolean().default(true).describe('false: this replica has no keys of the log'),
      waitSeconds: z.number().min(0.1).max(60).default(5),
      connections: z.int().min(2).max(100).default(8),
    })
    .refine(
      ({ url, urlFile }) => (url === undefined) !== (urlFile === undefined),
      'either "url" or "urlFile"',
    )
    .refine(
      ({ certificate, key }) => (certificate === undefined) === (key === undefined),
      '"certificate" and "key" together',
    )
    .optional(),
})

type PostgresFile = NonNullable<z.output<typeof storeSchema>['postgres']>

/** Where log and bodies are kept when not in files. Secrets are in files, and read where they are used. */
export interface StoreConfig {
  readonly postgres?: Pick<PostgresFile, 'plaintextUnsafe' | 'sequencer' | 'connections'> & {
    readonly url?: string
    readonly urlFile?: string
    readonly passwordFile?: string
    readonly ca?: string
    readonly certificate?: string
    readonly key?: string
    readonly waitMs: number
  }
}

/** Every path absolute. */
export function storeOf(home: string, { postgres }: z.output<typeof storeSchema>): StoreConfig {
  if (postgres === undefined) return {}
  const { url, urlFile, passwordFile, ca, certificate, key, waitSeconds, ...rest } = postgres
  return {
    postgres: {
      ...rest,
      waitMs: Math.round(waitSeconds * 1000),
      ...(url === undefined ? {} : { url }),
      ...(urlFile === undefined ? {} : { urlFile: resolve(home, urlFile) }),
      ...(passwordFile === undefined ? {} : { passwordFile: resolve(home, passwordFile) }),
      ...(ca === undefined ? {} : { ca: resolve(home, ca) }),
      ...(certificate === undefined ? {} : { certificate: resolve(home, certificate) }),
      ...(key === undefined ? {} : { key: resolve(home, key) }),
    },
  }
}
