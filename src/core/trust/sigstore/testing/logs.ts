// Private transparency logs: Rekor v1 (promise, ECDSA) and Rekor v2 (checkpoint alone, Ed25519), with trees of a few leaves.
import { generateKeyPairSync, hash, sign } from 'node:crypto'
import { pae } from '#attestation'
import type { JsonObject } from '#document'
import { hashChildren, hashLeaf } from '#merkle'
import { ecKeys, spkiOf, type KeyPair } from './certificates.ts'

export interface TransparencyLog {
  readonly version: 1 | 2
  readonly baseUrl: string
  readonly keys: KeyPair
  readonly logId: Buffer
}

export function rekorV1(baseUrl = 'https://rekor.test'): TransparencyLog {
  const keys = ecKeys()
  return { version: 1, baseUrl, keys, logId: hash('sha256', spkiOf(keys), 'buffer') }
}

export function rekorV2(baseUrl = 'https://log2026.rekor.test'): TransparencyLog {
  const keys = generateKeyPairSync('ed25519')
  const key = spkiOf({ ...keys }).subarray(-32)
  const name = Buffer.from(`${nameOf({ baseUrl })}\n`)
  const logId = hash('sha256', Buffer.concat([name, Uint8Array.of(1), key]), 'buffer')
  return { version: 2, baseUrl, keys, logId }
}

export function nameOf({ baseUrl }: Pick<TransparencyLog, 'baseUrl'>): string {
  return baseUrl.replace('https://', '')
}

/** What an entry is about. */
export interface Logged {
  readonly signature: Uint8Array
  readonly signer: { readonly certificate: Uint8Array } | { readonly publicKey: Uint8Array }
  readonly keyDetails?: string
  readonly content:
    | {
        readonly kind: 'artifact'
        readonly digest: Uint8Array
        readonly algorithm?: 'sha256' | 'sha384' | 'sha512'
      }
    | { readonly kind: 'envelope'; readonly payloadType: string; readonly payload: Uint8Array }
}

export type EntryKind = 'hashedrekord' | 'dsse' | 'intoto'

export const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64')

/** The body of an entry as that version of Rekor writes it. */
export function bodyOf(
  log: TransparencyLog,
  kind: EntryKind,
  logged: Logged,
): { readonly apiVersion: string; readonly kind: EntryKind; readonly spec: JsonObject } {
  if (log.version === 2) {
    return {
      apiVersion: '0.0.2',
      kind,
      spec: kind === 'dsse' ? dsseV2(logged) : hashedRekordV2(logged),
    }
  }
  if (kind === 'hashedrekord') return { apiVersion: '0.0.1', kind, spec: hashedRekordV1(logged) }
  return kind === 'dsse'
    ? { apiVersion: '0.0.1', kind, spec: dsseV1(logged) }
    : { apiVersion: '0.0.2', kind, spec: intotoV1(logged) }
}

export interface EntryOptions {
  readonly integratedTime?: number
  /** How many other entries stand before and after it. */
  readonly before?: number
  readonly after?: number
  readonly promise?: boolean
  readonly proof?: boolean
  readonly origin?: string
  readonly logIndex?: number
}

/** An entry as a bundle carries it, in JSON. */
export function entryOf(
  log: TransparencyLog,
  body: ReturnType<typeof bodyOf>,
  options: EntryOptions = {},
): JsonObject {
  const { before = 5, after = 3, promise = log.version === 1, proof = true } = options
  const bytes = Buffer.from(JSON.stringify(body))
  const integratedTime = log.version === 1 ? options.integratedTime : undefined
  const logIndex = options.logIndex ?? before + 1000
  return {
    logIndex: String(logIndex),
    logId: { keyId: base64(log.logId) },
    kindVersion: { kind: body.kind, version: body.apiVersion },
    ...(integratedTime === undefined ? {} : { integratedTime: String(integratedTime) }),
    ...(promise
      ? {
          inclusionPromise: {
            signedEntryTimestamp: base64(promiseOf(log, bytes, integratedTime ?? 0, logIndex)),
          },
        }
      : {}),
    ...(proof ? { inclusionProof: proofOf(log, bytes, before, after, options.origin) } : {}),
    canonicalizedBody: base64(bytes),
  }
}

/** Rekor v1's signed entry timestamp. */
export function promiseOf(
  log: TransparencyLog,
  body: Uint8Array,
  integratedTime: number,
  logIndex: number,
): Buffer {
  const payload = JSON.stringify({
    body: base64(body),
    integratedTime,
    logID: log.logId.toString('hex'),
    logIndex,
  })
  return sign('sha256', Buffer.from(payload), log.keys.privateKey)
}

function proofOf(
  log: TransparencyLog,
  body: Buffer,
  before: number,
  after: number,
  origin?: string,
): JsonObject {
  const leaves = Array.from({ length: before + 1 + after }, (_, index) =>
    index === before ? hashLeaf(body) : hashLeaf(Buffer.from(`leaf ${index}`)),
  )
  const root = rootOf(leaves)
  return {
    logIndex: String(before),
    rootHash: base64(root),
    treeSize: String(leaves.length),
    hashes: pathOf(leaves, before).map(base64),
    checkpoint: { envelope: checkpointOf(log, leaves.length, root, origin) },
  }
}

/** A checkpoint, signed. */
export function checkpointOf(
  log: TransparencyLog,
  size: number,
  root: Uint8Array,
  origin = log.version === 1 ? `${nameOf(log)} - 4711` : nameOf(log),
): string {
  const text = `${origin}\n${size}\n${base64(root)}\n`
  return `${text}\n${signatureLine(log, text)}`
}

export function signatureLine(log: TransparencyLog, text: string, name = nameOf(log)): string {
  const signature = sign(
    log.version === 1 ? 'sha256' : null,
    Buffer.from(text),
    log.keys.privateKey,
  )
  return `— ${name} ${base64(Buffer.concat([log.logId.subarray(0, 4), signature]))}\n`
}

function rootOf(hashes: readonly Uint8Array[]): Uint8Array {
  const [first = new Uint8Array(32)] = hashes
  if (hashes.length <= 1) return first
  const middle = splitOf(hashes.length)
  return hashChildren(rootOf(hashes.slice(0, middle)), rootOf(hashes.slice(middle)))
}

function pathOf(hashes: readonly Uint8Array[], index: number): Uint8Array[] {
  if (hashes.length <= 1) return []
  const middle = splitOf(hashes.length)
  const [left, right] = [hashes.slice(0, middle), hashes.slice(middle)]
  return index < middle
    ? [...pathOf(left, index), rootOf(right)]
    : [...pathOf(right, index - middle), rootOf(left)]
}

/** The largest power of two below. */
function splitOf(length: number): number {
  return 2 ** Math.floor(Math.log2(length - 1))
}

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${base64(der).replaceAll(/.{64}/g, '$&\n')}\n-----END ${label}-----\n`

function pemOf({ signer }: Logged): string {
  const block =
    'certificate' in signer
      ? pem('CERTIFICATE', signer.certificate)
      : pem('PUBLIC KEY', signer.publicKey)
  return base64(Buffer.from(block))
}

function signedDigest({ content }: Logged): { readonly algorithm: string; readonly value: Buffer } {
  if (content.kind === 'artifact')
    return { algorithm: content.algorithm ?? 'sha256', value: Buffer.from(content.digest) }
  return {
    algorithm: 'sha256',
    value: hash('sha256', pae(content.payloadType, content.payload), 'buffer'),
  }
}

function payloadDigest({ content }: Logged): Buffer {
  return hash('sha256', content.kind === 'envelope' ? content.payload : content.digest, 'buffer')
}

function hashedRekordV1(logged: Logged): JsonObject {
  const { algorithm, value } = signedDigest(logged)
  return {
    data: { hash: { algorithm, value: value.toString('hex') } },
    signature: { content: base64(logged.signature), publicKey: { content: pemOf(logged) } },
  }
}

function dsseV1(logged: Logged): JsonObject {
  const value = payloadDigest(logged).toString('hex')
  return {
    envelopeHash: { algorithm: 'sha256', value },
    payloadHash: { algorithm: 'sha256', value },
    signatures: [{ signature: base64(logged.signature), verifier: pemOf(logged) }],
  }
}

function intotoV1(logged: Logged): JsonObject {
  const value = payloadDigest(logged).toString('hex')
  const sig = base64(Buffer.from(base64(logged.signature)))
  return {
    content: {
      envelope: {
        payloadType: 'application/vnd.in-toto+json',
        signatures: [{ publicKey: pemOf(logged), sig }],
      },
      hash: { algorithm: 'sha256', value },
      payloadHash: { algorithm: 'sha256', value },
    },
  }
}

function verifierV2({ signer, keyDetails = 'PKIX_ECDSA_P256_SHA_256' }: Logged): JsonObject {
  return 'certificate' in signer
    ? { keyDetails, x509Certificate: { rawBytes: base64(signer.certificate) } }
    : { keyDetails, publicKey: { rawBytes: base64(signer.publicKey) } }
}

function hashedRekordV2(logged: Logged): JsonObject {
  const { algorithm, value } = signedDigest(logged)
  const name = algorithm.replace('sha', 'SHA2_')
  return {
    hashedRekordV002: {
      data: { algorithm: name, digest: base64(value) },
      signature: { content: base64(logged.signature), verifier: verifierV2(logged) },
    },
  }
}

function dsseV2(logged: Logged): JsonObject {
  return {
    dsseV002: {
      payloadHash: { algorithm: 'SHA2_256', digest: base64(payloadDigest(logged)) },
      signatures: [{ content: base64(logged.signature), verifier: verifierV2(logged) }],
    },
  }
}
