// What `cosign attest` leaves in a registry: an envelope, and beside it certificate, chain and the promise of the log.
import { hash, sign } from 'node:crypto'
import { pae } from '#attestation'
import type { Json } from '#document'
import type { KeyPair } from './certificates.ts'
import { signedAt, statement, type Instance } from './instance.ts'
import { base64, promiseOf } from './logs.ts'

export const payloadType = 'application/vnd.in-toto+json'

export const pemOf = (bytes: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${base64(bytes)}\n-----END CERTIFICATE-----\n`

/** As Go's library writes an envelope. */
export function cosignEnvelope(
  { privateKey }: KeyPair,
  keyid: string | null = '',
  payload: Uint8Array = statement(),
): Buffer {
  const sig = base64(sign('sha256', pae(payloadType, payload), privateKey))
  const signature = keyid === null ? { sig } : { keyid, sig }
  return Buffer.from(
    JSON.stringify({ payloadType, payload: base64(payload), signatures: [signature] }),
  )
}

/** The annotations of the layer; the log has seen `logged`, signed with the certificate `by`. */
export function cosignAnnotations(
  { v1, intermediate }: Instance,
  logged: Uint8Array,
  certificate: Uint8Array,
  by: Uint8Array = certificate,
) {
  const digest = (bytes: Uint8Array): Json => ({
    algorithm: 'sha256',
    value: hash('sha256', bytes, 'hex'),
  })
  const spec = { content: { hash: digest(logged) }, publicKey: base64(Buffer.from(pemOf(by))) }
  const body = Buffer.from(JSON.stringify({ apiVersion: '0.0.1', kind: 'intoto', spec }))
  const integratedTime = signedAt.getTime() / 1000
  const promise = {
    SignedEntryTimestamp: base64(promiseOf(v1, body, integratedTime, 7)),
    Payload: {
      body: base64(body),
      integratedTime,
      logIndex: 7,
      logID: v1.logId.toString('hex'),
    },
  }
  return {
    'dev.cosignproject.cosign/signature': '',
    'dev.sigstore.cosign/bundle': JSON.stringify(promise),
    'dev.sigstore.cosign/certificate': pemOf(certificate),
    'dev.sigstore.cosign/chain': pemOf(intermediate.certificate),
  }
}
