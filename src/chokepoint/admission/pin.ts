import { formatReference, parseReference, type Reference } from '#evidence'
import { SallyportError } from '#error'
import { answerOf, type AdmissionAnswer } from './answer.ts'
import { imagesOf, objectAt, type NamedImage } from './images.ts'
import type { AdmissionRequest } from './review.ts'

interface Replacement {
  readonly op: 'replace'
  readonly path: string
  readonly value: string
}

/** Tags that are looked up for one pod. */
const maxTags = 64

/**
 * Answers a MutatingAdmissionWebhook for pods: images named by a tag get the digest that the tag means now, so that what
 * is verified afterwards is what runs. Nothing else changes, and nothing is allowed by it: the validating webhook, which
 * comes after, decides. A tag that cannot be resolved stays, and is refused there.
 */
export async function pin(
  request: AdmissionRequest,
  resolve: (reference: Reference) => Promise<string | undefined>,
): Promise<AdmissionAnswer> {
  const tagged = imagesToPin(request)
  const replacements = await Promise.all(
    tagged.map(async ({ image, reference }): Promise<readonly Replacement[]> => {
      const digest = await resolve(reference)
      if (digest === undefined) return []
      const value = formatReference({ ...reference, digest })
      return [{ op: 'replace', path: pointerTo(image.field), value }]
    }),
  )
  const patch = replacements.flat()
  const { uid } = request
  const pinned = patch.map(({ value }) => value).join(',')
  const audit = patch.length === 0 ? {} : { pinned }
  const answer = answerOf({ uid, refusals: [], isFinal: true, warnings: [], audit })
  if (patch.length === 0) return answer
  const text = Buffer.from(JSON.stringify(patch)).toString('base64')
  return { ...answer, response: { ...answer.response, patchType: 'JSONPatch', patch: text } }
}

interface Tagged {
  readonly image: NamedImage
  readonly reference: Reference
}

function imagesToPin({
  kind,
  operation,
  object,
  subResource,
}: AdmissionRequest): readonly Tagged[] {
  const isPod = kind.group === '' && kind.kind === 'Pod'
  const changes = operation === 'CREATE' || subResource === 'ephemeralcontainers'
  if (!isPod || !changes || object?.['spec'] === undefined) return []
  return imagesOf(objectAt(object['spec'], 'spec'), 'spec')
    .flatMap((image) => {
      const reference = readable(image.image)
      return reference === undefined || reference.digest !== undefined ? [] : [{ image, reference }]
    })
    .slice(0, maxTags)
}

function readable(image: string): Reference | undefined {
  try {
    return parseReference(image)
  } catch (error) {
    if (error instanceof SallyportError) return undefined
    throw error
  }
}

/** `spec.containers[0].image` as a JSON Pointer (RFC 6901); the names in it are ours and hold nothing to escape. */
function pointerTo(field: string): string {
  return `/${field.replaceAll('[', '.').replaceAll(']', '').replaceAll('.', '/')}`
}
