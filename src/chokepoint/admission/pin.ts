import type { JsonObject } from '#document'
import { formatReference, type Reference } from '#evidence'
import type { AdmissionPorts } from './admit.ts'
import { answerOf, type AdmissionAnswer } from './answer.ts'
import { artifactOf } from './artifact.ts'
import { imagesOf, newImages, objectAt, type NamedImage } from './images.ts'
import { kindName } from './kinds.ts'
import { asksToDebug, type AdmissionRequest } from './review.ts'

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
  resolve: AdmissionPorts['resolve'],
): Promise<AdmissionAnswer> {
  const tagged = imagesToPin(request)
  const replacements = await Promise.all(
    tagged.map(async ({ image, reference }): Promise<readonly Replacement[]> => {
      const digest = await resolve(reference)
      if (typeof digest !== 'string') return []
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

function imagesToPin(request: AdmissionRequest): readonly Tagged[] {
  const { kind, operation, object, oldObject } = request
  const isDebug = asksToDebug(request)
  if (kindName(kind) !== 'Pod' || (operation !== 'CREATE' && !isDebug)) return []
  const images = imagesIn(object)
  // The API server refuses a change of a debug container that is there, and drops what changes elsewhere.
  const changeable = isDebug ? newImages(images.filter(isOfDebug), imagesIn(oldObject)) : images
  return changeable
    .flatMap((image) => {
      const reference = artifactOf(image)
      return 'code' in reference || reference.digest !== undefined ? [] : [{ image, reference }]
    })
    .slice(0, maxTags)
}

function imagesIn(object: JsonObject | undefined): readonly NamedImage[] {
  const spec = object?.['spec']
  return spec === undefined ? [] : imagesOf(objectAt(spec, 'spec'), 'spec')
}

function isOfDebug({ field }: NamedImage): boolean {
  return field.startsWith('spec.ephemeralContainers[')
}

/** `spec.containers[0].image` as a JSON Pointer (RFC 6901); the names in it are ours and hold nothing to escape. */
function pointerTo(field: string): string {
  return `/${field.replaceAll('[', '.').replaceAll(']', '').replaceAll('.', '/')}`
}
