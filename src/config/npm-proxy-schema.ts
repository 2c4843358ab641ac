import { z } from 'zod'

const path = z.string().min(1).max(4096)
const text = z.string().min(1).max(200)
const registry = z
  .string()
  .max(2000)
  .refine((address) => {
    const url = URL.parse(address)
    const isLocal =
      url?.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
    const isOpen = url?.username === '' && url.password === '' && !/[?#]/.test(address)
    return isOpen && (url?.protocol === 'https:' || isLocal)
  }, 'an https address such as "https://registry.example/npm/", without name, password and query')
const target = z.strictObject({ environment: text, service: text })
const packageName = z
  .string()
  .max(214)
  .regex(
    /^(?:@[a-z0-9~_-][a-z0-9._~-]*\/)?[a-z0-9~_-][a-z0-9._~-]*$/,
    'the name of a package in lower case, such as "left-pad" or "@acme/tool"',
  )
const packageVersion = z
  .string()
  .max(480)
  .regex(/^@?[^@\s]+@[0-9][^@\s]*$/, 'a package with its version, such as "left-pad@1.3.0"')
const prefix = z.strictObject({
  prefix: z
    .string()
    .min(2)
    .max(214)
    .regex(/^[@a-z0-9~_-][a-z0-9._~/-]*$/, 'how the names begin'),
})
const bound = z.union(
  [registry, z.strictObject({ registry, tokenFile: path.optional(), target: target.optional() })],
  'an https address, or {registry, tokenFile, target}',
)
const host = z
  .string()
  .max(300)
  .regex(/^[a-z0-9.[\]:-]+$/, 'a host such as "files.registry.example", in lower case')
const units: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}
const age = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhdw]$/, 'a span of time such as 7d, 48h or 30m')
  .transform((span) => ({
    text: span,
    milliseconds: Number(span.slice(0, -1)) * (units[span.at(-1) ?? ''] ?? 0),
  }))

/** The npm proxy: an install gate. */
export const npmProxySchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1'),
    port: z.int().min(0).max(65_535).default(4873),
    tls: z
      .strictObject({ certificate: path, key: path, clientAuthorities: path.optional() })
      .optional(),
    plainHttpUnsafe: z.boolean().default(false),
    // Whoever can reach the port may install what the policies allow; otherwise a `deployer` of "access".
    anonymous: z.boolean().default(false),
    // How clients reach the proxy, when that is not what their requests say.
    address: registry.optional(),
    upstream: z.union(
      [registry, z.strictObject({ registry, tokenFile: path.optional() })],
      'an https address, or {registry, tokenFile}',
    ),
    target,
    scopes: z
      .record(
        z.string().regex(/^@[a-z0-9~_-][a-z0-9._~-]{0,100}$/, 'a scope such as "@acme"'),
        bound,
      )
      .default({}),
    packages: z.record(packageName, bound).default({}),
    reserved: z
      .array(z.union([packageName, prefix]))
      .max(10_000)
      .default([]),
    denied: z
      .array(z.union([packageName, packageVersion, prefix]))
      .max(10_000)
      .default([]),
    minimumAge: age.optional(),
    minimumAgeExceptions: z.array(packageVersion).max(10_000).default([]),
    // Keys with which the upstream signs; what is installed must be signed with one of them.
    signatures: z
      .array(
        z.strictObject({
          keyid: z.string().min(1).max(200),
          publicKey: z.string().min(1).max(2000).describe('PEM, SubjectPublicKeyInfo, ECDSA P-256'),
          expires: z.iso.datetime({ offset: true }).optional(),
        }),
      )
      .min(1)
      .max(16)
      .optional(),
    deprecated: z.enum(['offer', 'refuse']).default('offer'),
    // Dependencies that are addresses: npm fetches them past the proxy.
    addresses: z.enum(['offer', 'refuse']).default('refuse'),
    refused: z.enum(['hide', 'fail']).default('hide'),
    tarballHosts: z.array(host).max(64).default([]),
    audit: z.enum(['pass', 'refuse']).default('pass'),
    // Tells the upstream the names that are bound elsewhere, to find out whether somebody took them.
    reportPublic: z.boolean().default(false),
    // Registries that serve everybody: `probe-bypass` tells it, and finds nothing in it.
    public: z.array(registry).max(1000).default([]),
    cache: z
      .strictObject({
        folder: path.default('npm-cache'),
        maxGigabytes: z.number().min(0).max(100_000).default(10),
      })
      .prefault({}),
    limits: z
      .strictObject({
        concurrent: z.int().min(1).max(10_000).default(128),
        connections: z.int().min(1).max(100_000).default(2048),
        requestSeconds: z.number().min(1).max(300).default(15),
        upstreamSeconds: z.number().min(1).max(600).default(60),
        packumentMegabytes: z.int().min(1).max(256).default(64),
        tarballMegabytes: z.int().min(1).max(1024).default(256),
      })
      .prefault({}),
  })
  .refine(
    ({ tls, plainHttpUnsafe, host: at }) =>
      tls !== undefined || plainHttpUnsafe || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(at),
    '"tls", or a host of this machine such as 127.0.0.1',
  )

export type NpmProxyFile = z.output<typeof npmProxySchema>
