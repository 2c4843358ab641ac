import { hash } from 'node:crypto'
import type { Envelope } from '#attestation'
import { quote } from '#error'
import type { PublicKey } from '../keys/public-key.ts'
import { fits } from '../keys/scheme.ts'
import { fetchAgain, refuse } from '../problem.ts'
import type { SignedContent } from '../signed-content.ts'
import type { EntryBody } from './body.ts'

/** Who signed, as a log entry has to name it. */
export interface EntrySigner {
  readonly key: PublicKey
  /** The signing certificate, DER; missing where a bare key signed. */
  readonly certificate?: Uint8Array
}

/**
 * Checks that a log entry is about the signature of the bundle: the same bytes, by the same certificate or key, over the
 * same content.
 *
 * @throws SallyportError SIGSTORE_LOG_MISMATCH, SIGSTORE_ARTIFACT_DIGEST
 */
export function checkBody(
  body: EntryBody,
  content: SignedContent,
  signer: EntrySigner,
  where: string,
): void {
  if (body.signature?.equals(content.signature) === false) {
    throw other(where, 'an entry for the signature of this bundle', 'one for another signature')
  }
  const { kind, der } = body.verifier
  const { certificate, key } = signer
  const expected = certificate === undefined ? 'publicKey' : 'certificate'
  if (kind !== expected || !der.equals(certificate ?? key.spki)) {
    throw other(where, `an entry for the ${expected} of the signer`, `one for another ${kind}`)
  }
  if (body.scheme !== undefined && !fits(body.scheme, key)) {
    throw other(where, `an entry for a key of kind ${key.kind}`, body.scheme.name)
  }
  checkDigest(body, content, where)
}

function checkDigest({ digest }: EntryBody, content: SignedContent, where: string): void {
  const { envelope } = content
  if (digest.of === 'payload') {
    if (envelope === undefined) {
      throw other(where, 'an entry for a signature over an artifact', 'one for an envelope')
    }
    if (digest.value.equals(hash(digest.hash, envelope.payload, 'buffer'))) return
    throw other(where, 'an entry for the payload of this envelope', describe(digest))
  }
  if (digest.of === 'envelope') return checkEnvelope(digest, envelope, where)
  const own = content.digest(digest.hash)
  if (own === undefined) {
    throw refuse(
      'SIGSTORE_ARTIFACT_DIGEST',
      where,
      `the ${digest.hash} digest of the artifact, which the log entry names`,
      'other digests',
      `Pass the artifact itself, or its digest as ${digest.hash}:…`,
    )
  }
  if (own.equals(digest.value)) return
  throw other(where, `an entry for ${digest.hash}:${own.toString('hex')}`, describe(digest))
}

/**
 * The log has the digest of the envelope's bytes, and a bundle does not keep those: they are written again in the two
 * ways in which Go's library writes them. Another way is no match, and never a guess.
 */
function checkEnvelope(
  digest: EntryBody['digest'],
  envelope: Envelope | undefined,
  where: string,
): void {
  const forms = envelope === undefined ? [] : formsOf(envelope)
  if (forms.some((form) => digest.value.equals(hash(digest.hash, form, 'buffer')))) return
  throw other(where, 'an entry for this envelope', describe(digest))
}

function formsOf({ payloadType, payload, signatures }: Envelope): readonly string[] {
  // Go escapes some characters that JSON need not escape; no payload type in use has any.
  if (!/^[\w./+-]+$/.test(payloadType)) return []
  const list = signatures.map(({ keyid = '', sig }) => ({ keyid, sig: base64(sig) }))
  const head = { payloadType, payload: base64(payload) }
  return [
    JSON.stringify({ ...head, signatures: list }),
    JSON.stringify({ ...head, signatures: list.map(({ sig }) => ({ sig })) }),
  ]
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

function describe({ hash: name, value }: EntryBody['digest']): string {
  return quote(`${name}:${value.toString('hex')}`, 160)
}

function other(where: string, expected: string, found: string): Error {
  return refuse('SIGSTORE_LOG_MISMATCH', where, expected, found, fetchAgain)
}
