import { z } from 'zod'

const path = z.string().min(1).max(4096)

const keyFile = z.strictObject({
  /** Encrypted PKCS#8, mode 0600. */
  file: path,
  /** Where the signer process reads the passphrase, mode 0600. */
  passphraseFile: path,
})

/** `sallyport.yaml`. Everything has a default, so that an empty configuration is one that works after `init`. */
export const configSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Config'),
  metadata: z.strictObject({ name: z.string().min(1).max(200) }).optional(),
  chokePoint: z.string().min(1).max(200).default('workstation'),
  trust: path.default('trust.yaml'),
  policies: z.array(path).min(1).max(10_000).default(['policies']),
  log: z.strictObject({
    origin: z.string().min(1).max(255),
    folder: path.default('log'),
    memory: path.default('keys/log.memory'),
  }),
  keys: z
    .strictObject({
      builder: keyFile.optional(),
      approver: keyFile.optional(),
      log: keyFile.optional(),
      logMlDsa: keyFile.optional(),
    })
    .default({}),
  build: z
    .strictObject({
      folder: path.default('builds'),
      blobs: path.default('blobs'),
      work: path.default('work'),
      root: z.enum(['auto', 'pinned', 'measured']).default('auto'),
    })
    .default({ folder: 'builds', blobs: 'blobs', work: 'work', root: 'auto' }),
})

export type ConfigFile = z.output<typeof configSchema>
