// A private Sigstore instance: certificate authority, certificate transparency, two Rekors and a time-stamping authority.
// It signs bundles as the public one does, and, when asked to, as nobody should.
import { hash, sign, type KeyObject } from 'node:crypto'
import { pae } from '#attestation'
import type { Json, JsonObject } from '#document'
import { edited, type Edit } from './edit.ts'
import { parseTrustedRoot } from '../root/parse.ts'
import type { TrustedRoot } from '../root/trusted-root.ts'
import {
  authority,
  authorityKeyId,
  basicConstraints,
  ctLog,
  ecKeys,
  extKeyUsage,
  fulcio,
  issue,
  keyUsage,
  spkiOf,
  subjectAltName,
  timestampsOf,
  uriName,
  type Authority,
  type CtLog,
  type KeyType,
  type KeyPair,
} from './certificates.ts'
import {
  base64,
  bodyOf,
  entryOf,
  rekorV1,
  rekorV2,
  type EntryKind,
  type EntryOptions,
  type Logged,
  type TransparencyLog,
} from './logs.ts'
import {
  timestampOver,
  timestampSigner,
  type TimestampSigner,
  type TokenOptions,
} from './timestamps.ts'

export const issuer = 'https://accounts.test'
export const subject = 'https://git.test/acme/shop/.github/workflows/release.yml@refs/heads/main'
/** When everything in the tests is signed. */
export const signedAt = new Date('2026-03-01T12:00:00Z')
const began = new Date('2026-01-01T00:00:00Z')
const ends = new Date('2036-01-01T00:00:00Z')
export const minutes = (count: number): Date => new Date(signedAt.getTime() + count * 60_000)

export interface Instance {
  readonly root: Authority
  readonly intermediate: Authority
  readonly ct: CtLog
  readonly v1: TransparencyLog
  readonly v2: TransparencyLog
  readonly tsa: TimestampSigner
}

export function createInstance(curve: KeyType = 'P-256'): Instance {
  const validity = { notBefore: began, notAfter: ends }
  const root = authority('test root', validity, { curve })
  const intermediate = authority('test intermediate', validity, {
    by: root,
    curve,
    extensions: [basicConstraints(true, 0), keyUsage(5), extKeyUsage(false, '1.3.6.1.5.5.7.3.3')],
  })
  const tsa = timestampSigner(validity, { curve })
  return { root, intermediate, ct: ctLog(), v1: rekorV1(), v2: rekorV2(), tsa }
}

/** The trusted root of the instance. */
export function rootJson({ root, intermediate, ct, v1, v2, tsa }: Instance): JsonObject {
  const validFor = { start: began.toISOString() }
  const log = (one: TransparencyLog): JsonObject => ({
    baseUrl: one.baseUrl,
    hashAlgorithm: 'SHA2_256',
    publicKey: {
      rawBytes: base64(spkiOf(one.keys)),
      keyDetails: one.version === 1 ? 'PKIX_ECDSA_P256_SHA_256' : 'PKIX_ED25519',
      validFor,
    },
    logId: { keyId: base64(one.logId) },
  })
  const chain = (...certificates: readonly Uint8Array[]): JsonObject => ({
    certificates: certificates.map((der) => ({ rawBytes: base64(der) })),
  })
  return {
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    tlogs: [log(v1), log(v2)],
    certificateAuthorities: [
      {
        uri: 'https://fulcio.test',
        certChain: chain(intermediate.certificate, root.certificate),
        validFor,
      },
    ],
    ctlogs: [
      {
        baseUrl: 'https://ct.test',
        hashAlgorithm: 'SHA2_256',
        publicKey: {
          rawBytes: base64(spkiOf(ct.keys)),
          keyDetails: 'PKIX_ECDSA_P256_SHA_256',
          validFor,
        },
        logId: { keyId: base64(ct.logId) },
      },
    ],
    timestampAuthorities: [
      { uri: tsa.uri, certChain: chain(tsa.certificate, tsa.root.certificate), validFor },
    ],
  }
}

export function rootOf(instance: Instance, ...edits: readonly Edit[]): TrustedRoot {
  return parseTrustedRoot(bytesOf(edited(rootJson(instance), ...edits)), {
    file: 'trusted_root.json',
  })
}

export const bytesOf = (json: Json): Buffer => Buffer.from(JSON.stringify(json))

export const artifact = Buffer.from('the artifact')
export const artifactDigest = hash('sha256', artifact, 'hex')

export const statement = (digest: Record<string, string> = { sha256: artifactDigest }): Buffer =>
  Buffer.from(
    JSON.stringify({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'shop.tgz', digest }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {},
    }),
  )

export interface CertificateOptions {
  readonly keys?: KeyPair
  readonly by?: Authority
  readonly notBefore?: Date
  readonly notAfter?: Date
  /** In place of the usual ones. */
  readonly extensions?: readonly Buffer[]
  readonly names?: readonly Buffer[]
  readonly ct?: CtLog | 'none'
  readonly sctTime?: Date
  readonly sctExtensions?: Uint8Array
  /** Which hash and signature the log says it used. */
  readonly sctAlgorithm?: Uint8Array
}

/** A signing certificate as Fulcio issues them. */
export function certificateOf(
  instance: Instance,
  options: CertificateOptions = {},
): { readonly keys: KeyPair; readonly der: Buffer } {
  const { keys = ecKeys(), by = instance.intermediate, ct = instance.ct } = options
  const extensions = options.extensions ?? [
    keyUsage(0),
    extKeyUsage(false, '1.3.6.1.5.5.7.3.3'),
    authorityKeyId(by.keys),
    subjectAltName(...(options.names ?? [uriName(subject)])),
    fulcio(1, issuer),
    fulcio(8, issuer),
    fulcio(12, 'https://git.test/acme/shop'),
    fulcio(13, 'a'.repeat(40)),
    fulcio(14, 'refs/heads/main'),
  ]
  const { notBefore = minutes(-1), notAfter = minutes(9) } = options
  const der = issue(by, { keys, notBefore, notAfter, extensions }, (tbs, issuerKeys) =>
    ct === 'none'
      ? undefined
      : timestampsOf(
          ct,
          options.sctTime ?? notBefore,
          tbs,
          issuerKeys,
          options.sctExtensions,
          options.sctAlgorithm,
        ),
  )
  return { keys, der }
}

export interface SignOptions {
  readonly certificate?: CertificateOptions | { readonly keys: KeyPair; readonly der: Buffer }
  /** Sign with this key and no certificate. */
  readonly publicKey?: KeyPair
  readonly hash?: 'sha256' | 'sha384' | 'sha512' | null
  /** How to sign, where `hash` does not say enough. */
  readonly signer?: (message: Uint8Array, key: KeyObject) => Uint8Array
  readonly keyDetails?: string
  /** The envelope's payload; null signs the artifact itself. */
  readonly payload?: Uint8Array | null
  /** What a signature without envelope covers. */
  readonly artifact?: Uint8Array
  readonly payloadType?: string
  readonly logs?: readonly {
    readonly log: TransparencyLog
    readonly kind?: EntryKind
    readonly options?: EntryOptions
  }[]
  readonly timestamps?: readonly {
    readonly time?: Date
    readonly signer?: TimestampSigner
    readonly over?: Uint8Array
    readonly options?: TokenOptions
  }[]
  readonly mediaType?: string
}

/** Signs a bundle. By default an envelope, with an entry in Rekor v1. */
export function signBundle(instance: Instance, options: SignOptions = {}): JsonObject {
  const logged = signedContent(instance, options)
  return {
    mediaType: options.mediaType ?? 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { ...materialFor(logged), ...evidenceFor(instance, options, logged) },
    ...contentFor(logged),
  }
}

function signedContent(instance: Instance, options: SignOptions): Logged {
  const { payload = statement(), payloadType = 'application/vnd.in-toto+json' } = options
  const { hash: name = 'sha256', publicKey, keyDetails } = options
  const bytes = artifactOf(options)
  const { keys, der } = certificateFor(instance, options)
  const { privateKey } = publicKey ?? keys
  const message = payload === null ? bytes : pae(payloadType, payload)
  return {
    signature: options.signer?.(message, privateKey) ?? sign(name, message, privateKey),
    signer: publicKey === undefined ? { certificate: der } : { publicKey: spkiOf(publicKey) },
    ...(keyDetails === undefined ? {} : { keyDetails }),
    content:
      payload === null
        ? loggedArtifact(bytes, name ?? 'sha512')
        : { kind: 'envelope', payloadType, payload },
  }
}

function materialFor({ signer }: Logged): JsonObject {
  return 'certificate' in signer
    ? { certificate: { rawBytes: base64(signer.certificate) } }
    : { publicKey: { hint: 'test' } }
}

function artifactOf({ artifact: given = artifact }: SignOptions): Uint8Array {
  return given
}

function loggedArtifact(
  bytes: Uint8Array,
  algorithm: 'sha256' | 'sha384' | 'sha512',
): Logged['content'] {
  return { kind: 'artifact', digest: hash(algorithm, bytes, 'buffer'), algorithm }
}

function contentFor({ content, signature }: Logged): JsonObject {
  if (content.kind === 'envelope') {
    const { payload, payloadType } = content
    const signatures = [{ sig: base64(signature) }]
    return { dsseEnvelope: { payload: base64(payload), payloadType, signatures } }
  }
  const digest = base64(Buffer.from(artifactDigest, 'hex'))
  const messageDigest = { algorithm: 'SHA2_256', digest }
  return { messageSignature: { messageDigest, signature: base64(signature) } }
}

function evidenceFor(instance: Instance, options: SignOptions, logged: Logged): JsonObject {
  const { logs = [{ log: instance.v1 }], timestamps = [] } = options
  const tlogEntries = logs.map(({ log, kind, options: entry }) =>
    entryOf(log, bodyOf(log, kind ?? usualKind(log, logged), logged), {
      integratedTime: signedAt.getTime() / 1000,
      ...entry,
    }),
  )
  const rfc3161Timestamps = timestamps.map(
    ({ time = signedAt, signer = instance.tsa, over = logged.signature, options: token }) => ({
      signedTimestamp: base64(timestampOver(over, time, signer, token)),
    }),
  )
  return { tlogEntries, timestampVerificationData: { rfc3161Timestamps } }
}

function certificateFor(
  instance: Instance,
  { certificate = {} }: SignOptions,
): { readonly keys: KeyPair; readonly der: Buffer } {
  return 'der' in certificate ? certificate : certificateOf(instance, certificate)
}

function usualKind(log: TransparencyLog, { content }: Logged): EntryKind {
  return content.kind === 'artifact' || log.version === 2 ? 'hashedrekord' : 'dsse'
}
