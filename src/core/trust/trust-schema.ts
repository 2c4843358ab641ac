import { z } from 'zod'
import { breakglassSchema } from './breakglass-terms.ts'
import { schemeNames } from './scheme.ts'

const name = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/, 'a name of lower-case letters, digits, . _ -')
const owner = z.string().min(1).max(200)
const uri = z
  .string()
  .max(2000)
  .regex(
    /^[a-z][a-z0-9+.-]*:[^\s*]+$/,
    'an absolute URI, compared exactly (no wildcard), such as "https://slsa.dev/provenance/v1"',
  )
const time = z.iso.datetime({
  offset: true,
  error: 'a time with zone such as 2026-01-01T00:00:00Z (RFC 3339)',
})

const key = z.strictObject({
  publicKey: z.string().max(20_000).describe('PEM, SubjectPublicKeyInfo'),
  scheme: z.enum(schemeNames).optional().describe('needed when the key allows several'),
  owner: owner.optional().describe("who holds the key; default is the signer's owner"),
  validFrom: time,
  validUntil: time.optional(),
  retired: time.optional(),
  compromisedSince: time.optional(),
  keyid: z
    .string()
    .min(1)
    .max(500)
    .optional()
    .describe(
      'the name that its signatures carry; then a signature without this name is not by it',
    ),
  signs: z
    .enum(['dsse', 'payload'])
    .default('dsse')
    .describe(
      'payload: it signs the bytes of the payload alone, as the regional keys of Google Cloud Build do; what is signed then says nothing about its own type',
    ),
  signatureEncoding: z
    .enum(['der', 'ieee-p1363'])
    .default('der')
    .describe(
      'ieee-p1363: r and s side by side, as some cloud key services write ECDSA signatures',
    ),
  timesBy: z
    .array(name)
    .max(8)
    .default([])
    .describe('trusted roots whose logs and time stamps may prove when this key has signed'),
})

/** What Fulcio writes into certificates, by the names of its documentation; only what says who or what signed. */
export const pinnable = [
  'buildSignerURI',
  'buildSignerDigest',
  'runnerEnvironment',
  'sourceRepositoryURI',
  'sourceRepositoryDigest',
  'sourceRepositoryRef',
  'sourceRepositoryIdentifier',
  'sourceRepositoryOwnerURI',
  'sourceRepositoryOwnerIdentifier',
  'buildConfigURI',
  'buildConfigDigest',
  'buildTrigger',
  'sourceRepositoryVisibilityAtSigning',
  'deploymentEnvironment',
  'githubWorkflowTrigger',
  'githubWorkflowSHA',
  'githubWorkflowName',
  'githubWorkflowRepository',
  'githubWorkflowRef',
] as const

const plain = z.string().min(1).max(2000)
const prefix = z
  .string()
  .max(2000)
  .regex(
    /^[^\s\\%*?#]+[/@]$/,
    'a prefix that ends in "/" or "@", so that no longer name fits below it',
  )
const pin = z.union([plain, z.strictObject({ prefix })], 'a text, or {prefix: …/}')

const identity = z
  .strictObject({
    root: name.describe('the name of a trusted root under `sigstore`'),
    issuer: plain.describe('the OpenID Connect issuer, compared exactly'),
    subject: plain.optional().describe('the subject of the certificate, compared exactly'),
    subjectPrefix: z
      .string()
      .max(2000)
      .regex(
        /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+\/[^?#\s]+[/@]$/,
        'a URI with a path that ends in "/" or "@", such as "https://git.example/acme/"',
      )
      .refine(
        (text) => !/\\|%2e|%2f|%5c|\/\.{1,2}(?:[/?#@]|$)/i.test(text),
        'a path without detours',
      )
      .optional()
      .describe('every subject below this path'),
    certificate: z
      .partialRecord(z.enum(pinnable), pin)
      .default({})
      .describe("what else the certificate must say, by the names of Fulcio's extensions"),
    owner: owner.optional().describe("who controls the identity; default is the signer's owner"),
    validFrom: time.optional(),
    validUntil: time.optional(),
    compromisedSince: time.optional(),
  })
  .refine(
    ({ subject, subjectPrefix }) => (subject === undefined) !== (subjectPrefix === undefined),
    'exactly one of subject and subjectPrefix',
  )

const builderPrefix = z
  .string()
  .max(2000)
  .regex(
    /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+\/[^?#\s%\\*]+[/@]$/,
    'a URI with a path that ends in "/" or "@", such as "https://git.example/acme/release.yml@refs/tags/"',
  )

const level = z
  .int()
  .min(0, 'a level from 0 to 3')
  .max(3, 'a level from 0 to 3')
  .default(1)
  .describe('the highest SLSA Build level it may claim')

const notInCertificate = z
  .literal(true)
  .optional()
  .describe('believe the id although the certificate names another builder')

const builder = z.union([
  z.strictObject({
    id: uri,
    level,
    notInCertificateUnsafe: notInCertificate,
  }),
  z.strictObject({
    idPrefix: builderPrefix.describe('every builder id below this path'),
    level,
    notInCertificateUnsafe: notInCertificate,
  }),
])

const trustedRoot = z.strictObject({
  trustedRoot: z
    .string()
    .min(1)
    .max(1000)
    .describe('a trusted_root.json; its path, from where the trust file is'),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal characters')
    .optional()
    .describe('which one: without it, whoever can write that file decides whom to trust'),
})

const authority = z.strictObject({
  roots: z.string().min(1).max(200_000).describe('PEM: the root certificates of the authority'),
  extendedKeyUsage: z
    .enum(['codeSigning', 'clientAuth'])
    .default('codeSigning')
    .describe('what certificates of signers have to be for; SPIFFE issues clientAuth'),
  timesBy: z
    .array(name)
    .max(8)
    .default([])
    .describe('trusted roots whose time stamps may prove when something was signed'),
})

const certificateName = z
  .strictObject({
    root: name.describe('the name of an authority under `x509`'),
    uri: uri.optional().describe('the URI in the certificate, such as a SPIFFE ID, exactly'),
    dns: z
      .string()
      .max(253)
      .regex(/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?$/, 'a DNS name in lower case, without wildcard')
      .optional(),
    email: z
      .string()
      .max(320)
      .regex(/^[^\s@*]+@[^\s@*]+$/, 'a mail address, compared exactly')
      .optional(),
    owner: owner.optional().describe("who controls the name; default is the signer's owner"),
    validFrom: time.optional(),
    validUntil: time.optional(),
    compromisedSince: time.optional(),
  })
  .refine(
    ({ uri: one, dns, email }) => [one, dns, email].filter((it) => it !== undefined).length === 1,
    'exactly one of uri, dns and email',
  )

const signer = z
  .strictObject({
    owner: owner.optional().describe("default is the signer's name"),
    keys: z.array(key).max(64).default([]),
    identities: z.array(identity).max(64).default([]),
    certificates: z
      .array(certificateName)
      .max(64)
      .default([])
      .describe('names in certificates of private authorities'),
    predicateTypes: z.array(uri).min(1, 'at least one predicate type').max(64),
    builders: z.array(builder).max(256).default([]),
    verifiers: z
      .array(uri)
      .max(64)
      .default([])
      .describe('the verifier ids that its verification summaries may carry'),
    threshold: z.int().min(1).max(64).default(1),
  })
  .refine(
    ({ keys, identities, certificates }) =>
      keys.length + identities.length + certificates.length > 0,
    'at least one of keys, identities and certificates',
  )

/** The trust file as it is written. */
export const trustSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('Trust'),
  metadata: z.strictObject({
    name,
    owner,
    version: z
      .int()
      .min(1)
      .max(2 ** 31)
      .optional()
      .describe('goes up with each change; mandatory where trust files have to be signed'),
    expires: time
      .optional()
      .describe('from then on nothing is decided with this file: somebody has to look at it again'),
  }),
  sigstore: z
    .record(name, trustedRoot)
    .refine((roots) => Object.keys(roots).length <= 8, 'at most 8 trusted roots')
    .default({})
    .describe('Sigstore instances, by the names that identities use'),
  x509: z
    .record(name, authority)
    .refine((authorities) => Object.keys(authorities).length <= 16, 'at most 16 authorities')
    .default({})
    .describe('private certificate authorities, by the names that signers use'),
  signers: z
    .record(name, signer)
    .refine((signers) => Object.keys(signers).length > 0, 'at least one signer'),
  breakglass: breakglassSchema
    .optional()
    .describe('who may open the gate when no policy can decide, or evidence cannot be had'),
})

export type TrustFile = z.infer<typeof trustSchema>
export type SignerEntry = z.infer<typeof signer>
export type KeyEntry = z.infer<typeof key>
export type IdentityEntry = z.infer<typeof identity>
export type AuthorityEntry = z.infer<typeof authority>
export type NameEntry = z.infer<typeof certificateName>
export type RootEntry = z.infer<typeof trustedRoot>
