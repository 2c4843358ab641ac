import { z } from 'zod'
import { npmProxySchema } from './npm-proxy-schema.ts'

const path = z.string().min(1).max(4096)
const name = z.string().min(1).max(200)
const host = z
  .string()
  .max(300)
  .regex(
    /^(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?$|^[a-z0-9-]+:[1-9][0-9]{0,4}$/,
    'a registry as images name it, such as "docker.io" or "registry.example:5000"',
  )
const origin = z
  .string()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text)
    const isHttp = url?.protocol === 'https:' || url?.protocol === 'http:'
    return (
      isHttp && url.username === '' && url.password === '' && /^https?:\/\/[^/?#]+\/?$/.test(text)
    )
  }, 'the address of a registry, such as "https://registry.example", without path, name and password')
const repository = z
  .string()
  .max(600)
  .regex(
    /^[a-z0-9.:[\]-]+(?:\/[a-z0-9._-]+)+$/,
    'a repository with its registry, such as "docker.io/library/nginx"',
  )
const prefix = z
  .string()
  .max(600)
  .regex(
    /^[a-z0-9.:[\]-]+\/(?:[a-z0-9._-]+\/)*$/,
    'a prefix that ends in "/", such as "registry.example/acme/"',
  )
const target = { environment: name, service: name }

type Assigned = { readonly repository: string } | { readonly prefix: string }

/** Which of two counts would depend on their order, and the other would never be asked. */
function refuseTwice(targets: readonly Assigned[], context: z.RefinementCtx): void {
  const seen = new Map<string, number>()
  for (const [at, one] of targets.entries()) {
    const key = 'prefix' in one ? one.prefix : one.repository
    const first = seen.get(key)
    if (first === undefined) seen.set(key, at)
    else {
      const message = `one target for ${key}, which is assigned at [${first}] already`
      context.addIssue({ code: 'custom', message, path: [at] })
    }
  }
}

/** The OCI pull-through proxy. */
export const ociProxySchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1'),
    port: z.int().min(0).max(65_535).default(5000),
    tls: z
      .strictObject({ certificate: path, key: path, clientAuthorities: path.optional() })
      .optional(),
    plainHttpUnsafe: z.boolean().default(false),
    // Whoever can reach the port may pull what the policies allow; otherwise a `deployer` of "access".
    anonymous: z.boolean().default(false),
    upstreams: z
      .record(host, origin)
      .refine((all) => Object.keys(all).length > 0, 'at least one registry')
      .refine((all) => Object.keys(all).length <= 64, 'at most 64 registries'),
    targets: z
      .array(
        z.union(
          [z.strictObject({ repository, ...target }), z.strictObject({ prefix, ...target })],
          'an entry {repository, environment, service} or {prefix, environment, service}',
        ),
      )
      .min(1, 'at least one target')
      .max(10_000)
      .superRefine(refuseTwice),
    // What its registry serves to everybody: `probe-bypass` tells it, and finds nothing in it.
    public: z.array(prefix).max(1000).default([]),
    cache: z
      .strictObject({
        folder: path.default('oci-cache'),
        maxGigabytes: z.number().min(0).max(100_000).default(10),
      })
      .prefault({}),
    limits: z
      .strictObject({
        concurrent: z.int().min(1).max(10_000).default(256),
        connections: z.int().min(1).max(100_000).default(2048),
        requestSeconds: z.number().min(1).max(300).default(15),
        // For one blob, however large.
        blobSeconds: z.number().min(1).max(86_400).default(3600),
      })
      .prefault({}),
  })
  .refine(
    ({ tls, plainHttpUnsafe, host: at }) =>
      tls !== undefined || plainHttpUnsafe || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(at),
    '"tls", or a host of this machine such as 127.0.0.1',
  )

/** What is pulled through the gate. */
export const proxiesSchema = z.strictObject({
  oci: ociProxySchema.optional(),
  npm: npmProxySchema.optional(),
})

export type OciProxyFile = z.output<typeof ociProxySchema>
export type ProxiesFile = z.output<typeof proxiesSchema>
