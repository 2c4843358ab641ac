import type { JsonObject } from '#document'
import { readSomeBytes } from './base64.ts'
import type { Bundle } from './bundle-types.ts'
import { cosignSignatureBundle } from './cosign-layer.ts'
import { field, onlyFields, readObject, required, wrongField } from './field.ts'
import { predicateTypes } from './predicate-types.ts'
import { parseSimpleSigning, type SimpleSigning } from './predicates/simple-signing.ts'
import type { Statement } from './statement.ts'

/** The media type of the layer that cosign puts a Simple Signing payload into. */
export const simpleSigningType = 'application/vnd.dev.cosign.simplesigning.v1+json'

/** A Simple Signing signature: the payload as it was signed, and what stood beside it. Nothing has been verified. */
export interface ImageSignature {
  /** The bytes that the signature covers. */
  readonly payload: Uint8Array
  readonly said: SimpleSigning
  /** The signature with its certificate, log entry and time stamps; without a certificate the key is not named. */
  readonly bundle: Bundle
}

/**
 * Reads the document `{mediaType, payload, annotations}` in which a layer and its annotations are kept together.
 *
 * @throws SallyportError ATTESTATION_… or DOCUMENT_…
 */
export function readImageSignature(object: JsonObject): ImageSignature {
  const where = 'signature'
  onlyFields(object, new Set(['mediaType', 'payload', 'annotations']), where)
  const payload = required(object, 'payload', where, readSomeBytes)
  const annotations = readAnnotations(readObject(field(object, 'annotations'), where), where)
  const bundle = cosignSignatureBundle(annotations)
  return { payload, said: parseSimpleSigning(payload), bundle }
}

/**
 * What a Simple Signing signature says, as a statement: that this image is the one that was meant under this name. What
 * the signer added under `optional` is left out: whoever signs may write anything there, and nobody has to understand it.
 */
export function imageStatement({ said }: Pick<ImageSignature, 'said'>): Statement {
  const { type, dockerReference, digest } = said
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ digest, ...(dockerReference === '' ? {} : { name: dockerReference }) }],
    predicateType: predicateTypes.simpleSigning,
    predicate: { type, dockerReference },
  }
}

function readAnnotations(object: JsonObject, where: string): Readonly<Record<string, string>> {
  const entries = Object.entries(object).map(([key, value]) => {
    if (typeof value !== 'string') throw wrongField(`${where}.annotations`, 'texts', value)
    return [key, value] as const
  })
  return Object.fromEntries(entries)
}
