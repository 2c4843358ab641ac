import { z } from 'zod'
import { accessReviewSchema } from './access-review.ts'
import { alarmsSchema } from './alarms.ts'
import { buildRecordSchema } from './build-record.ts'
import { chokePointsSchema } from './choke-points.ts'
import { eventsSchema } from './events.ts'
import { accessSchema, admissionSchema, serveSchema } from './gate-schema.ts'
import { logWitnessesSchema } from './log-witnesses.ts'
import { proxiesSchema } from './proxies-schema.ts'
import { rulebookSchema } from './rulebook.ts'
import { spoolSchema } from './spool-schema.ts'
import { storeSchema } from './store-schema.ts'

const path = z.string().min(1).max(4096)

// Encrypted PKCS#8 and the passphrase that its signer process reads; both mode 0600.
const keyFile = z.strictObject({ file: path, passphraseFile: path })

const address = z
  .string()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text)
    const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:'
    return isHttp && url.username === '' && url.password === '' && !/[?#]/.test(text)
  }, 'an address such as "https://evidence.example/store", without name, password and query')
const host = z
  .string()
  .max(300)
  .regex(
    /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$/,
    'a host such as "registry.example" or "registry.example:5000", in lower case',
  )
const ipAddress = z.union([z.ipv4(), z.ipv6()], 'an IP address')

/** Where evidence is looked for besides beside the artifact, and how those places are spoken to. */
export const evidenceSchema = z
  .strictObject({
    directories: z.array(path).max(8).default([]),
    stores: z.array(address).max(8).default([]),
    registries: z
      .strictObject({
        // Left out: the registry that whoever asks has named. A list: these and no other.
        allow: z.array(host).max(256).optional(),
        plainHttp: z.array(host).max(256).optional(),
        ca: path.optional(),
        credentials: path.optional(),
        // Addresses that are otherwise refused, such as a link-local one where a registry really is.
        allowAddressesUnsafe: z.array(ipAddress).max(64).default([]),
      })
      .prefault({}),
    npm: z.strictObject({ registry: address.optional() }).prefault({}),
    timeoutSeconds: z.number().min(0.1).max(600).default(30),
  })
  .superRefine(({ stores, npm, registries: { plainHttp } }, context) => {
    // What is never asked would look like an outage for ever.
    const places = [
      ...stores.map((text, at) => ({ text, path: ['stores', at] })),
      ...(npm.registry === undefined ? [] : [{ text: npm.registry, path: ['npm', 'registry'] }]),
    ]
    for (const { text, path: at } of places) {
      if (mayBeAsked(text, plainHttp)) continue
      const message = 'an https address, or a host that "registries.plainHttp" lists'
      context.addIssue({ code: 'custom', message, path: at })
    }
  })

function mayBeAsked(text: string, plainHttp: readonly string[] | undefined): boolean {
  const url = URL.parse(text)
  if (url?.protocol !== 'http:') return true
  if (plainHttp !== undefined) return plainHttp.includes(url.host)
  return /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
}

/** `sallyport.yaml`. Everything has a default, so that an empty configuration is one that works after `init`. */
export const configSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Config'),
  metadata: z.strictObject({ name: z.string().min(1).max(200) }).optional(),
  chokePoint: z.string().min(1).max(200).default('workstation'),
  trust: path.default('trust.yaml'),
  policies: z.array(path).min(1).max(10_000).default(['policies']),
  // Held against every policy, whatever policies a command names instead of the ones above.
  metaPolicies: z.array(path).max(100).default([]),
  // How this place calls itself in the verification summaries that it signs for others.
  verifierId: z
    .string()
    .max(2000)
    .regex(/^[a-z][a-z0-9+.-]*:[^\s*]+$/, 'a URI such as "https://example.com/verifiers/gate/v1"')
    .optional(),
  log: z.strictObject({
    origin: z.string().min(1).max(255),
    // What a checkpoint must be signed with, so that the log can be verified without its keys.
    verifierKeys: z.array(z.string().min(1).max(8192)).min(1).max(16),
    folder: path.default('log'),
    memory: path.default('keys/log.memory'),
    spool: spoolSchema,
    witnesses: logWitnessesSchema,
  }),
  keys: z
    .strictObject({
      builderPinned: keyFile.optional(),
      builderMeasured: keyFile.optional(),
      approver: keyFile.optional(),
      verifier: keyFile.optional(),
      breakglass: keyFile.optional(),
      log: keyFile.extend({ mlDsaFile: path }).optional(),
    })
    .default({}),
  build: z
    .strictObject({
      folder: path.default('builds'),
      blobs: path.default('blobs'),
      work: path.default('work'),
      root: z.enum(['auto', 'pinned', 'measured']).default('auto'),
      record: buildRecordSchema,
    })
    .default({ folder: 'builds', blobs: 'blobs', work: 'work', root: 'auto' }),
  evidence: evidenceSchema.prefault({}),
  rulebook: rulebookSchema.optional(),
  store: storeSchema.prefault({}),
  serve: serveSchema.prefault({}),
  access: accessSchema.prefault({}),
  accessReview: accessReviewSchema.prefault({}),
  chokePoints: chokePointsSchema,
  admission: admissionSchema.optional(),
  proxies: proxiesSchema.prefault({}),
  alarms: alarmsSchema.prefault({}),
  events: eventsSchema.prefault({}),
  // Requests, grants and accepted risks that the gate keeps: it has to be able to write there.
  breakglass: z.strictObject({ folder: path.default('breakglass') }).prefault({}),
})

export type ConfigFile = z.output<typeof configSchema>
