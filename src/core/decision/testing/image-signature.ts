import { encodeCanonical, sha256Hex, type Json, type JsonObject } from '#document'
import {
  bytesOf,
  createInstance,
  rootJson,
  signBundle,
  type Instance,
  type SignOptions,
} from '../../trust/sigstore/testing/instance.ts'
import { signBytes, type TestKey } from '../../trust/testing/fixtures.ts'
import type { EvidenceItem } from '../index.ts'

const mediaType = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** What cosign signs about an image. */
export function simpleSigning(sha256: string, more: JsonObject = {}): JsonObject {
  return {
    critical: {
      identity: { 'docker-reference': 'registry.example/acme/shop' },
      image: { 'docker-manifest-digest': `sha256:${sha256}` },
      type: 'cosign container image signature',
    },
    optional: null,
    ...more,
  }
}

export function documentOf(payload: Uint8Array, annotations: Json): EvidenceItem {
  const bytes = encodeCanonical({
    mediaType,
    payload: Buffer.from(payload).toString('base64'),
    annotations,
  })
  return { digest: sha256Hex(bytes), source: 'registry.example/acme/shop:sha256-….sig', bytes }
}

/** Signed with a key and nothing else. */
export function signedByKey(payload: JsonObject, key: TestKey): EvidenceItem {
  const bytes = encodeCanonical(payload)
  const signature = Buffer.from(signBytes(key, bytes, 'dsse')).toString('base64')
  return documentOf(bytes, { 'dev.cosignproject.cosign/signature': signature })
}

/** A private Sigstore for image signatures. */
export const instance: Instance = createInstance()
export const instanceRoot: Uint8Array = bytesOf(rootJson(instance))

interface Bundled {
  readonly messageSignature: { readonly signature: string }
  readonly verificationMaterial: {
    readonly certificate: { readonly rawBytes: string }
    readonly tlogEntries: readonly {
      readonly logIndex: string
      readonly logId: { readonly keyId: string }
      readonly integratedTime: string
      readonly inclusionPromise: { readonly signedEntryTimestamp: string }
      readonly canonicalizedBody: string
    }[]
  }
}

/** Signed with a certificate, as cosign writes it beside the layer; `over` is what is signed instead of the payload. */
export function signedKeyless(
  payload: JsonObject,
  more: { readonly over?: Uint8Array; readonly sign?: SignOptions; readonly without?: string } = {},
): EvidenceItem {
  const bytes = encodeCanonical(payload)
  const options = { ...more.sign, payload: null, artifact: more.over ?? bytes }
  const { messageSignature, verificationMaterial } = signBundle(
    instance,
    options,
  ) as unknown as Bundled
  const [entry] = verificationMaterial.tlogEntries
  const promise = entry && {
    SignedEntryTimestamp: entry.inclusionPromise.signedEntryTimestamp,
    Payload: {
      body: entry.canonicalizedBody,
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: Buffer.from(entry.logId.keyId, 'base64').toString('hex'),
    },
  }
  const annotations: Record<string, string> = {
    'dev.cosignproject.cosign/signature': messageSignature.signature,
    'dev.sigstore.cosign/certificate': pemOf(verificationMaterial.certificate.rawBytes),
    'dev.sigstore.cosign/bundle': JSON.stringify(promise),
  }
  const kept = Object.entries(annotations).filter(([key]) => key !== more.without)
  return documentOf(bytes, Object.fromEntries(kept))
}

function pemOf(der: string): string {
  return `-----BEGIN CERTIFICATE-----\n${der.replaceAll(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE-----\n`
}
