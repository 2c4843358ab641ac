import { encodeCanonical, isObject, parseJson, type Json, type JsonObject } from '#document'
import { encodeBase64 } from './base64.ts'
import { parseBundle } from './bundle.ts'
import type { Bundle } from './bundle-types.ts'
import { field, readObject, readText, refuse, required, wrongField } from './field.ts'

const bundleType = 'application/vnd.dev.sigstore.bundle+json;version=0.1'
const signatureKey = 'dev.cosignproject.cosign/signature'
const certificateKey = 'dev.sigstore.cosign/certificate'
const chainKey = 'dev.sigstore.cosign/chain'
const promiseKey = 'dev.sigstore.cosign/bundle'
const timestampKey = 'dev.sigstore.cosign/rfc3161timestamp'

/** Whether the annotations of a layer hold what makes its envelope a keyless signature. */
export function isCosignKeyless(annotations: Readonly<Record<string, string>>): boolean {
  return annotations[certificateKey] !== undefined
}

/**
 * What `cosign attest` writes without `--new-bundle-format`: the envelope is the layer, and the certificate, its chain and
 * the log's promise stand in annotations beside it. Together they are a Sigstore bundle v0.1, which is written here.
 * Whether any of it is true is for `#trust` to say.
 *
 * @throws SallyportError ATTESTATION_… or DOCUMENT_… when they do not make a bundle
 */
export function cosignBundle(
  envelope: Uint8Array,
  annotations: Readonly<Record<string, string>>,
): Uint8Array {
  const bytes = encodeCanonical({
    mediaType: bundleType,
    verificationMaterial: {
      x509CertificateChain: { certificates: certificatesOf(annotations) },
      tlogEntries: entriesOf(annotations),
      timestampVerificationData: { rfc3161Timestamps: timestampsOf(annotations) },
    },
    dsseEnvelope: withoutExtras(parseJson(envelope, { what: 'envelope' })),
  })
  parseBundle(bytes)
  return bytes
}

/**
 * What `cosign sign` writes without `--new-bundle-format`: the signature over the layer stands in an annotation, and so
 * does everything that vouches for it, if anything does.
 *
 * @throws SallyportError ATTESTATION_… or DOCUMENT_… when they do not make a bundle
 */
export function cosignSignatureBundle(annotations: Readonly<Record<string, string>>): Bundle {
  const key = isCosignKeyless(annotations)
    ? { x509CertificateChain: { certificates: certificatesOf(annotations) } }
    : { publicKey: { hint: 'cosign' } }
  const bytes = encodeCanonical({
    mediaType: bundleType,
    verificationMaterial: {
      ...key,
      tlogEntries: entriesOf(annotations),
      timestampVerificationData: { rfc3161Timestamps: timestampsOf(annotations) },
    },
    messageSignature: { signature: annotations[signatureKey] ?? null },
  })
  return parseBundle(bytes)
}

/** DSSE lets an envelope have fields that nobody knows; the bundle is made of those that mean something. */
function withoutExtras(value: Json): JsonObject {
  const { payload, payloadType, signatures } = readObject(value, 'envelope')
  const list = Array.isArray(signatures) ? (signatures as readonly Json[]) : []
  return {
    payload: payload ?? null,
    payloadType: payloadType ?? null,
    signatures: list.map((item) => {
      const { keyid, sig } = isObject(item) ? item : {}
      return { sig: sig ?? null, ...(keyid === undefined ? {} : { keyid }) }
    }),
  }
}

const pem = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g

function certificatesOf(annotations: Readonly<Record<string, string>>): readonly JsonObject[] {
  const leaf = blocksOf(annotations[certificateKey] ?? '')
  if (leaf.length !== 1) {
    throw wrongField(`annotations.${certificateKey}`, 'one certificate in PEM', leaf.length)
  }
  // The chain ends with the root, which every verifier must know by itself.
  const chain = blocksOf(annotations[chainKey] ?? '')
  return [...leaf, ...chain].map((rawBytes) => ({ rawBytes }))
}

function blocksOf(text: string): readonly string[] {
  return [...text.matchAll(pem)].map(([, body = '']) => body.replaceAll(/\s/g, ''))
}

/** `{SignedEntryTimestamp, Payload: {body, integratedTime, logIndex, logID}}`, as Rekor v1 answers. */
function entriesOf(annotations: Readonly<Record<string, string>>): readonly JsonObject[] {
  const text = annotations[promiseKey]
  if (text === undefined || text === '') return []
  const where = `annotations.${promiseKey}`
  const promise = readObject(parseJson(Buffer.from(text), { what: where }), where)
  const payload = required(promise, 'Payload', where, readObject)
  const body = required(payload, 'body', where, readText)
  const logId = Buffer.from(required(payload, 'logID', where, readText), 'hex')
  return [
    {
      logIndex: field(payload, 'logIndex') ?? 0,
      logId: { keyId: encodeBase64(logId) },
      kindVersion: kindOf(body, where),
      integratedTime: field(payload, 'integratedTime') ?? 0,
      inclusionPromise: {
        signedEntryTimestamp: required(promise, 'SignedEntryTimestamp', where, readText),
      },
      canonicalizedBody: body,
    },
  ]
}

function kindOf(body: string, where: string): JsonObject {
  const entry = parseJson(Buffer.from(body, 'base64'), { what: `${where}.Payload.body` })
  if (!isObject(entry)) throw wrongField(`${where}.Payload.body`, 'an object', entry)
  const { kind, apiVersion } = entry
  return { kind: kind ?? null, version: apiVersion ?? null }
}

function timestampsOf(annotations: Readonly<Record<string, string>>): readonly JsonObject[] {
  const text = annotations[timestampKey]
  if (text === undefined || text === '') return []
  const value = parseJson(Buffer.from(text), { what: `annotations.${timestampKey}` })
  if (isObject(value)) return [{ signedTimestamp: value['SignedRFC3161Timestamp'] ?? null }]
  throw refuse(
    'ATTESTATION_FIELD',
    `annotations.${timestampKey}`,
    'an object',
    'something else',
    'Sign the artifact again with cosign',
  )
}
