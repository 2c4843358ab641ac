import { z } from 'zod'

const path = z.string().min(1).max(4096)

// Encrypted PKCS#8 and the passphrase that its signer process reads; both mode 0600.
const keyFile = z.strictObject({ file: path, passphraseFile: path })

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
    // What a checkpoint must be signed with, so that the log can be verified without its keys.
    verifierKeys: z.array(z.string().min(1).max(8192)).min(1).max(16),
    folder: path.default('log'),
    memory: path.default('keys/log.memory'),
  }),
  keys: z
    .strictObject({
      builderPinned: keyFile.optional(),
      builderMeasured: keyFile.optional(),
      approver: keyFile.optional(),
      log: keyFile.extend({ mlDsaFile: path }).optional(),
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
