import { z } from 'zod'

const text = z.string().min(1).max(4096)
const long = z.string().max(512 * 1024)
const secretRef = z.strictObject({ name: text, namespace: text.optional() })
const hash = z.enum(['sha224', 'sha256', 'sha384', 'sha512'])

const key = z.strictObject({
  secretRef: secretRef.optional(),
  data: long.optional(),
  kms: text.optional(),
  hashAlgorithm: hash.optional(),
})

const identity = z.strictObject({
  issuer: z.string().max(4096).optional(),
  issuerRegExp: z.string().max(4096).optional(),
  subject: z.string().max(4096).optional(),
  subjectRegExp: z.string().max(4096).optional(),
})

const keyless = z.strictObject({
  url: text.optional(),
  'ca-cert': key.optional(),
  trustRootRef: text.optional(),
  insecureIgnoreSCT: z.boolean().optional(),
  identities: z.array(identity).max(256).optional(),
})

const remotePolicy = z.strictObject({ url: text, sha256sum: text })

/** A condition in CUE or Rego: what it says is not read. */
export const conditionSchema = z.strictObject({
  type: z.enum(['cue', 'rego']),
  data: long.optional(),
  remote: remotePolicy.optional(),
  configMapRef: z.strictObject({ name: text, namespace: text.optional(), key: text }).optional(),
  fetchConfigFile: z.boolean().optional(),
  includeSpec: z.boolean().optional(),
  includeObjectMeta: z.boolean().optional(),
  includeTypeMeta: z.boolean().optional(),
})

const attestation = z.strictObject({
  name: text,
  predicateType: text,
  policy: conditionSchema.optional(),
})

const authority = z.strictObject({
  name: z.string().max(4096).optional(),
  // An empty member counts as one that is not there.
  key: key.nullish(),
  keyless: keyless.nullish(),
  static: z
    .strictObject({ action: z.enum(['pass', 'fail']), message: z.string().max(4096).optional() })
    .nullish(),
  source: z
    .array(
      z.strictObject({
        oci: z.string().max(4096).optional(),
        tagPrefix: z.string().max(4096).optional(),
        signaturePullSecrets: z
          .array(z.strictObject({ name: text }))
          .max(64)
          .optional(),
      }),
    )
    .max(64)
    .optional(),
  ctlog: z
    .strictObject({
      url: text.optional(),
      'public-key': key.optional(),
      trustRootRef: text.optional(),
    })
    .optional(),
  rfc3161timestamp: z.strictObject({ trustRootRef: text }).optional(),
  attestations: z.array(attestation).max(64).optional(),
  signatureFormat: z.enum(['legacy', 'bundle']).optional(),
})

const resources = [
  'pods',
  'deployments',
  'replicasets',
  'daemonsets',
  'statefulsets',
  'jobs',
  'cronjobs',
] as const

const match = z.strictObject({
  resource: z.enum(resources),
  group: z.string().max(4096).optional(),
  version: text.optional(),
  selector: z
    .strictObject({
      matchLabels: z.record(z.string(), z.string()).optional(),
      matchExpressions: z
        .array(z.looseObject({ key: text, operator: text }))
        .max(256)
        .optional(),
    })
    .optional(),
})

/** A ClusterImagePolicy as its own admission webhook takes it. */
export const cipSchema = z.strictObject({
  apiVersion: z.enum(['policy.sigstore.dev/v1alpha1', 'policy.sigstore.dev/v1beta1']),
  kind: z.literal('ClusterImagePolicy'),
  metadata: z.looseObject({ name: text }),
  spec: z.strictObject({
    images: z
      .array(z.strictObject({ glob: text }))
      .min(1, 'at least one image')
      .max(1024),
    authorities: z.array(authority).min(1, 'at least one authority').max(256),
    policy: conditionSchema.optional(),
    mode: z.enum(['enforce', 'warn']).optional(),
    match: z.array(match).max(64).optional(),
  }),
  status: z.unknown().optional(),
})

export type Cip = z.output<typeof cipSchema>
export type CipAuthority = Cip['spec']['authorities'][number]
export type CipKey = NonNullable<CipAuthority['key']>
export type CipKeyless = NonNullable<CipAuthority['keyless']>
