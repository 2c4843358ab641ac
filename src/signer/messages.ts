import { z } from 'zod'
import { catalogue, type Problem, type ProblemCode } from '#error'
import { keyAlgorithms } from './algorithms.ts'

const path = z.string().min(1).max(4096)
const passphrase = z.union([z.strictObject({ file: path }), z.strictObject({ fd: z.literal(4) })])
const base64 = z.base64()
const size = z.int().min(0)
const tree = { size, root: base64, consistency: z.array(base64).max(128) }

const builderRole = z.strictObject({
  kind: z.literal('builder'),
  builderIds: z.array(z.string()).min(1).max(16).readonly(),
})
const approverRole = z.strictObject({
  kind: z.literal('approver'),
  predicateTypes: z.array(z.string()).min(1).max(16).readonly(),
})
const rulebookRole = z.strictObject({ kind: z.literal('rulebook') })
const breakglassRole = z.strictObject({ kind: z.literal('breakglass') })
const verifierRole = z.strictObject({
  kind: z.literal('verifier'),
  verifierId: z.string().min(1).max(2000),
})
const logRole = z.strictObject({
  kind: z.literal('log'),
  origin: z.string().min(1).max(255),
  memoryFile: path,
  mlDsaKeyFile: path,
})
const witnessRole = z.strictObject({
  kind: z.literal('witness'),
  name: z.string().min(1).max(255),
  mlDsaKeyFile: path,
  logs: z
    .array(
      z.strictObject({
        origin: z.string().min(1).max(255),
        verifierKeys: z.array(z.string().min(1).max(8192)).min(1).max(16).readonly(),
      }),
    )
    .max(10_000)
    .readonly(),
})
const role = z.discriminatedUnion('kind', [
  builderRole,
  approverRole,
  rulebookRole,
  verifierRole,
  breakglassRole,
  logRole,
  witnessRole,
])

export const request = z.discriminatedUnion('do', [
  z.strictObject({
    do: z.literal('create'),
    algorithm: z.enum(keyAlgorithms),
    file: path,
    passphrase,
  }),
  z.strictObject({
    do: z.literal('open'),
    keyFile: path,
    passphrase,
    role,
    journalFile: path.optional(),
  }),
  z.strictObject({
    do: z.literal('create-memory'),
    keyFile: path,
    passphrase,
    role: logRole,
  }),
  z.strictObject({ do: z.literal('sign'), statement: base64 }),
  z.strictObject({ do: z.literal('newest') }),
  z.strictObject({ do: z.literal('remember'), ...tree }),
  z.strictObject({ do: z.literal('checkpoint'), ...tree }),
  z.strictObject({
    do: z.literal('cosign'),
    origin: z.string().min(1).max(255),
    checkpoint: z
      .string()
      .min(1)
      .max(64 * 1024),
  }),
])
export type Request = z.infer<typeof request>
export type OpenRequest = Extract<Request, { do: 'open' }>
export type Passphrase = z.infer<typeof passphrase>

/** Signs provenance of these builders, and nothing else. */
export type BuilderRole = Readonly<z.infer<typeof builderRole>>
/** Signs statements of these approval types, and nothing else. */
export type ApproverRole = Readonly<z.infer<typeof approverRole>>
/** Signs that an edition of a policy or trust file is meant, and nothing else. */
export type RulebookRole = Readonly<z.infer<typeof rulebookRole>>
/** Signs verification summaries of this verifier, and nothing else. */
export type VerifierRole = Readonly<z.infer<typeof verifierRole>>
/** Signs grants of breakglass, and nothing else. */
export type BreakglassRole = Readonly<z.infer<typeof breakglassRole>>
/**
 * Signs the checkpoints of one log, forwards only. `keyFile` is Ed25519, `mlDsaKeyFile` is ML-DSA-44. `memoryFile` is
 * where the newest checkpoint is remembered: a folder of the signer's own, which `createCheckpointMemory` makes.
 */
export type LogRole = Readonly<z.infer<typeof logRole>>
/**
 * Cosigns checkpoints that these logs have signed, and for none of them a smaller tree than before, nor another of the
 * same size. `keyFile` is Ed25519, `mlDsaKeyFile` is ML-DSA-44.
 */
export type WitnessRole = Readonly<z.infer<typeof witnessRole>>
export type Role =
  BuilderRole | ApproverRole | RulebookRole | VerifierRole | BreakglassRole | LogRole | WitnessRole

const codes = Object.keys(catalogue) as ProblemCode[]
export const problem: z.ZodType<Problem> = z.strictObject({
  code: z.enum(codes),
  where: z.string().exactOptional(),
  expected: z.string(),
  found: z.string(),
  fix: z.string(),
})

export const results = {
  create: z.strictObject({ publicKeyPem: z.string(), keyid: z.string() }),
  open: z.strictObject({
    publicKeyPem: z.string(),
    keyid: z.string(),
    verifierKeys: z.array(z.string()),
    journalKey: base64.optional(),
  }),
  'create-memory': z.strictObject({ checkpoint: z.string() }),
  sign: z.strictObject({ payload: base64, signature: base64, keyid: z.string() }),
  newest: z.strictObject({ size, root: base64 }),
  remember: z.null(),
  checkpoint: z.strictObject({ note: z.string() }),
  cosign: z.strictObject({ lines: z.string() }),
} as const

export const call = z.strictObject({ id: z.int().min(0), request: z.unknown() })
export const reply = z.union([
  z.strictObject({ id: z.int().min(0), result: z.unknown() }),
  z.strictObject({ id: z.int().min(0), problems: z.array(problem).min(1).max(256) }),
])
