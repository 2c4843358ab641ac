import { z } from 'zod'

const path = z.string().min(1).max(4096)
const name = z.string().min(1).max(200)
/** What may be given to somebody who asks the gate. */
export const accessRoles = [
  'viewer',
  'deployer',
  'approver',
  'operator',
  'auditor',
  'builder',
] as const
const role = z.enum(accessRoles)
const roles = z.array(role).min(1, 'at least one role').max(6)
const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})
const secureUrl = z
  .string()
  .max(2000)
  .refine((text) => {
    const url = URL.parse(text)
    const isLocal =
      url?.protocol === 'http:' && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(url.hostname)
    return url?.protocol === 'https:' || isLocal
  }, 'an https address')

/** `sallyport serve`: where it listens, and what it takes. */
export const serveSchema = z
  .strictObject({
    host: z.string().min(1).max(255).default('127.0.0.1'),
    port: z.int().min(0).max(65_535).default(8443),
    // Where people reach the gate, for what refusals tell them to do.
    externalUrl: secureUrl
      .refine(
        (text) => !/[@?#\s]/.test(text),
        'an address without name, password, query and fragment',
      )
      .optional(),
    tls: z
      .strictObject({
        certificate: path,
        key: path,
        clientAuthorities: path.optional(),
      })
      .optional(),
    // Without TLS only this machine may be listened on, unless somebody in front of the gate speaks it.
    plainHttpUnsafe: z.boolean().default(false),
    limits: z
      .strictObject({
        concurrent: z.int().min(1).max(100_000).default(512),
        connections: z.int().min(1).max(100_000).default(4096),
        perAddress: z.int().min(1).max(100_000).default(1024),
        requestSeconds: z.number().min(1).max(300).default(15),
        // Until a decision that was asked for over the API is made and recorded. Admission has the time limit of its webhook.
        decisionSeconds: z.number().min(0.1).max(300).default(10),
      })
      .prefault({}),
    drainSeconds: z.number().min(0).max(600).default(20),
    open: z
      .strictObject({ log: z.boolean().default(false), metrics: z.boolean().default(false) })
      .prefault({}),
  })
  .refine(
    ({ tls, plainHttpUnsafe, host }) =>
      tls !== undefined || plainHttpUnsafe || /^(?:localhost|127(?:\.\d+){3}|::1)$/.test(host),
    '"tls", or a host of this machine such as 127.0.0.1',
  )

/** Who may ask the gate over HTTP. */
export const accessSchema = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name,
        sha256: z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters'),
        roles,
        expires: time,
      }),
    )
    .max(1000)
    .default([]),
  certificates: z
    .array(z.strictObject({ subject: name, roles }))
    .max(1000)
    .default([]),
  oidc: z
    .array(
      z
        .strictObject({
          issuer: secureUrl,
          audience: name,
          keysUrl: secureUrl.optional(),
          keysFile: path.optional(),
          grants: z
            .array(
              z.strictObject({
                claims: z
                  .record(name, z.string().min(1).max(1000))
                  .refine((claims) => Object.keys(claims).length > 0, 'at least one claim'),
                roles,
              }),
            )
            .min(1)
            .max(1000),
        })
        .refine(
          ({ keysUrl, keysFile }) => (keysUrl === undefined) !== (keysFile === undefined),
          'exactly one of keysUrl and keysFile',
        ),
    )
    .max(16)
    .default([]),
})

const service = z.union(
  [
    name,
    z.strictObject({ label: z.string().min(1).max(317) }),
    z.strictObject({ from: z.literal('namespace') }),
  ],
  'a name, {label: …} or {from: namespace}',
)
const mapping = z.strictObject({ environment: name, service })

/** The Kubernetes webhook: which namespace is which target. */
export const admissionSchema = z.strictObject({
  // Subjects of the client certificates of API servers. Left empty, whoever reaches the address may ask, and the user
  // that a review names is recorded as unauthenticated.
  clients: z.array(name).max(100).default([]),
  namespaces: z
    .record(z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/, 'a namespace'), mapping)
    .default({}),
  others: mapping.optional(),
  kinds: z
    .record(
      z.string().regex(/^[a-z0-9.-]+\/[A-Za-z0-9]+$/, 'group/Kind, such as argoproj.io/Rollout'),
      z
        .string()
        .regex(/^[A-Za-z0-9]+(?:\.[A-Za-z0-9]+){0,7}$/, 'a path such as spec.template')
        .describe('to what has `metadata` and `spec` of the pods'),
    )
    .default({}),
})

export type ServeFile = z.output<typeof serveSchema>
export type AccessFile = z.output<typeof accessSchema>
export type AdmissionFile = z.output<typeof admissionSchema>
