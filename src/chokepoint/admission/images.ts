import type { Json, JsonObject } from '#document'
import { quote, SallyportError } from '#error'

/** An image that an object would bring into the cluster, and the place where it stands. */
export interface NamedImage {
  /** Such as `spec.template.spec.initContainers[0].image`: what to edit. */
  readonly field: string
  /** The name of the container or volume, for people. */
  readonly container: string
  /** As it is written: a reference, a tag, or nonsense. */
  readonly image: string
}

const containerLists = ['initContainers', 'containers', 'ephemeralContainers'] as const

/**
 * Every image of a pod's `spec`: containers, init containers, ephemeral containers, and volumes that are images. What is
 * not shaped as Kubernetes shapes it is refused rather than overlooked.
 *
 * @throws SallyportError ADMISSION_REVIEW
 */
export function imagesOf(spec: JsonObject, place: string): readonly NamedImage[] {
  return [
    ...containerLists.flatMap((list) => containersIn(spec[list], `${place}.${list}`)),
    ...volumesIn(spec.volumes, `${place}.volumes`),
  ]
}

/** Those that are not written anywhere in what was there before. */
export function newImages(
  images: readonly NamedImage[],
  before: readonly NamedImage[] = [],
): readonly NamedImage[] {
  const known = new Set(before.map(({ image }) => image))
  return images.filter(({ image }) => !known.has(image))
}

/** CRI-O pulls the seccomp profile of a container, or of the whole pod, from the artifact that such an annotation names. */
const artifactAnnotation = /^seccomp-profile\.(?:kubernetes\.cri-o|crio)\.io(?:\/|$)/

/**
 * Every artifact that annotations of a pod have the container runtime pull.
 *
 * @throws SallyportError ADMISSION_REVIEW
 */
export function artifactsIn(annotations: JsonObject, place: string): readonly NamedImage[] {
  return Object.entries(annotations)
    .filter(([name]) => artifactAnnotation.test(name))
    .map(([name, image]) => imageAt(image, name, `${place}[${quote(name, 200)}]`))
}

function containersIn(value: Json | undefined, place: string): readonly NamedImage[] {
  return objectsIn(value, place).flatMap((container, index) => {
    // A workload may leave the image to somebody who fills it in; the pod that comes of it is asked about again.
    const { image, name } = container
    if (image === undefined || image === null || image === '') return []
    return [imageAt(image, name, `${place}[${index}].image`)]
  })
}

function volumesIn(value: Json | undefined, place: string): readonly NamedImage[] {
  return objectsIn(value, place).flatMap((volume, index) => {
    const { image, name } = volume
    if (image === undefined || image === null) return []
    const field = `${place}[${index}].image`
    const { reference } = objectAt(image, field)
    if (reference === undefined || reference === null || reference === '') return []
    return [imageAt(reference, name, `${field}.reference`)]
  })
}

function imageAt(image: Json, name: Json | undefined, field: string): NamedImage {
  if (typeof image !== 'string') throw malformed(field, 'a text', image)
  return { field, container: typeof name === 'string' ? name : field, image }
}

function objectsIn(value: Json | undefined, place: string): readonly JsonObject[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw malformed(place, 'a list', value)
  return (value as readonly Json[]).map((item, index) => objectAt(item, `${place}[${index}]`))
}

/** @throws SallyportError ADMISSION_REVIEW when there is something else than an object */
export function objectAt(value: Json, place: string): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  throw malformed(place, 'an object', value)
}

function malformed(place: string, expected: string, found: Json): SallyportError {
  return new SallyportError({
    code: 'ADMISSION_REVIEW',
    where: place,
    expected,
    found: quote(JSON.stringify(found), 80),
    fix: `Write ${place} as the Kubernetes API describes it`,
  })
}
