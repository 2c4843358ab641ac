import { parseJson } from '#document'
import { readDigestSet, type DigestSet } from '../digest-set.ts'
import { compact, field, optional, readName, readObject, required, wrongField } from '../field.ts'
import { optionalText } from './text.ts'

/** What cosign and Red Hat's atomic sign: one image, and the name under which it was to be found. */
export interface SimpleSigning {
  /** `cosign container image signature`, `atomic container signature`, … */
  readonly type: string
  /** The name that the signer meant: with a tag or a digest, or the repository alone. Empty when not stated. */
  readonly dockerReference: string
  readonly digest: DigestSet
  /** Texts among `optional`: what the signer added, and claims. */
  readonly annotations: Readonly<Record<string, string>>
}

/**
 * Parses the payload of a Simple Signing signature.
 * https://github.com/containers/image/blob/main/docs/containers-signature.5.md
 *
 * @throws SallyportError DOCUMENT_… when it is not strict JSON, else ATTESTATION_… with the path of the field
 */
export function parseSimpleSigning(bytes: Uint8Array): SimpleSigning {
  const where = 'payload'
  const what = 'Simple Signing payload'
  const payload = readObject(parseJson(bytes, { what, maxBytes: 1024 * 1024 }), where)
  const critical = required(payload, 'critical', where, readObject)
  const place = `${where}.critical`
  const image = required(critical, 'image', place, readObject)
  const identity = optional(critical, 'identity', place, readObject) ?? {}
  const added = Object.entries(optional(payload, 'optional', where, readObject) ?? {})
  // "critical" may hold nothing that the reader does not understand.
  const unknown = Object.keys(critical).find((key) => !['type', 'image', 'identity'].includes(key))
  if (unknown !== undefined) {
    throw wrongField(place, 'only type, image and identity', `the field ${unknown}`)
  }
  return compact<SimpleSigning>({
    type: required(critical, 'type', place, readName),
    dockerReference: optionalText(identity, 'docker-reference', `${place}.identity`) ?? '',
    digest: readImageDigest(field(image, 'docker-manifest-digest'), `${place}.image`),
    annotations: Object.fromEntries(
      added.flatMap(([key, value]) => (typeof value === 'string' ? [[key, value]] : [])),
    ),
  })
}

function readImageDigest(value: Parameters<typeof readName>[0], where: string): DigestSet {
  const text = readName(value, `${where}.docker-manifest-digest`)
  const [, algorithm = '', digest = ''] = /^(sha256|sha384|sha512):([0-9a-f]+)$/.exec(text) ?? []
  if (algorithm === '') throw wrongField(where, 'sha256: and a digest', text)
  return readDigestSet({ [algorithm]: digest }, where)
}
