import { isDeepStrictEqual } from 'node:util'
import type { Json, JsonObject } from '#document'
import { quote, SallyportError, type Problem } from '#error'
import type { Target } from '#policy'
import { breakglassAnnotation, evidenceAnnotation } from './annotations.ts'
import { artifactsIn, imagesOf, newImages, objectAt, type NamedImage } from './images.ts'
import { builtInKinds, kindName, templateFree, type TemplatePath } from './kinds.ts'
import { asksToDebug, type AdmissionRequest } from './review.ts'
import { targetOf, type TargetMapping } from './target.ts'

export interface AdmissionSettings {
  readonly mapping: TargetMapping
  /** Kinds beyond those of Kubernetes, by `group/Kind`, and where their pod template stands. */
  readonly kinds: ReadonlyMap<string, TemplatePath>
}

/** What one request asks to run, and where. */
export interface Questions {
  readonly target: Target
  /** Each image once, with the first place where it stands. */
  readonly images: readonly NamedImage[]
  /** Annotations of the pods, in which evidence may travel. */
  readonly annotations: JsonObject
}

/** Nothing is deployed by this request, and why. */
export interface NothingToDecide {
  readonly nothing: string
}

const grantAnnotations = [breakglassAnnotation, evidenceAnnotation] as const

/** More are a mistake, or an attempt to make the gate too late. */
const maxImages = 64

/**
 * What must be decided before a request may go on. A request that brings no image and no grant that was not there
 * before deploys nothing: deleting, scaling, labelling and reporting status are never blocked, or a cluster could not heal.
 *
 * @throws SallyportError ADMISSION_REVIEW when the object is not shaped as its kind
 */
export function questionsOf(
  request: AdmissionRequest,
  settings: AdmissionSettings,
): Questions | NothingToDecide | Problem {
  const nothing = deploysNothing(request)
  if (nothing !== undefined) return { nothing }
  const path = pathOf(request, settings.kinds)
  if (path === undefined) return unknownKind(request, settings.kinds)
  const before = readable(() => podsOf(request, request.oldObject, path))
  // As a template of a kind of somebody's own may have been before the gate was: who changes the rest is not held up.
  if (before === 'malformed' && isSameTemplate(request, path))
    return { nothing: 'the pod template is as it was' }
  const pods = podsOf(request, request.object, path)
  if (pods === undefined) return { nothing: 'there is no pod template' }
  return ofPods(request, settings.mapping, pods, before === 'malformed' ? undefined : before)
}

/** What was there before and is not shaped as it should be says nothing of what comes. */
function readable<T>(read: () => T): T | 'malformed' {
  try {
    return read()
  } catch (error) {
    if (error instanceof SallyportError && error.code === 'ADMISSION_REVIEW') return 'malformed'
    throw error
  }
}

function isSameTemplate({ object, oldObject }: AdmissionRequest, path: TemplatePath): boolean {
  return isDeepStrictEqual(reachedIn(object, path), reachedIn(oldObject, path))
}

/** What stands at the path, or how far along it there are objects, and what stands there. */
function reachedIn(object: JsonObject | undefined, path: TemplatePath) {
  let value: Json | undefined = object
  for (const [depth, name] of path.entries()) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return { depth, value }
    const here = value as JsonObject
    value = Object.hasOwn(here, name) ? here[name] : undefined
  }
  return { depth: path.length, value }
}

function deploysNothing(request: AdmissionRequest): string | undefined {
  const { operation, subResource, object } = request
  if (operation === 'DELETE') return 'what is deleted runs no longer'
  if (operation === 'CONNECT') return 'a connection deploys nothing'
  if (templateFree.has(subResource) && !changesPod(request))
    return `${subResource} carries no pod template`
  return object === undefined ? 'there is no object' : undefined
}

function isPodStatus({ kind, subResource }: AdmissionRequest): boolean {
  return subResource === 'status' && kindName(kind) === 'Pod'
}

/**
 * Whether the status of a pod brings labels or artifacts, as the API server lets it. Every other status says what runs
 * already: it is never held up, whatever the mapping says by now.
 */
function changesPod(request: AdmissionRequest): boolean {
  if (!isPodStatus(request)) return false
  const { object, oldObject } = request
  const [now, before] = [podsOf(request, object, []), podsOf(request, oldObject, [])]
  if (now === undefined || before === undefined) return now !== before
  return !isDeepStrictEqual(now.labels, before.labels) || !areKnown(now.images, before)
}

function areKnown(images: readonly NamedImage[], before: Pods): boolean {
  return newImages(images, before.images).length === 0
}

function ofPods(
  request: AdmissionRequest,
  mapping: TargetMapping,
  pods: Pods,
  before: Pods | undefined,
): Questions | NothingToDecide | Problem {
  const targetFor = ({ labels }: Pods) => targetOf(mapping, request.namespace, labels)
  const target = targetFor(pods)
  const isComparable =
    before !== undefined && isSameTarget(target, targetFor(before)) && !bringsGrant(pods, before)
  const known = isComparable ? before : undefined
  // What cannot be decided, and was there before, can be changed all the same: or nobody could get rid of it.
  if (known !== undefined && areKnown(pods.images, known))
    return { nothing: 'images, target and grants are as they were' }
  if ('code' in target) return target
  const images = distinct(
    asksToDebug(request) ? newImages(pods.images, known?.images) : pods.images,
  )
  if (images.length === 0) return { nothing: 'there is no image' }
  if (images.length > maxImages) return tooMany(request, images.length)
  return { target, images, annotations: pods.annotations }
}

/** Whether both are the same target, or neither is one, for the same reason. */
function isSameTarget(now: Target | Problem, before: Target | Problem): boolean {
  if ('code' in now || 'code' in before)
    return 'code' in now && 'code' in before && now.code === before.code
  return now.environment === before.environment && now.service === before.service
}

/**
 * Whether there is a grant, perhaps, that was not there before; it counts in either annotation. Whoever writes it must not
 * have approved it, and the controllers that make the pods never have.
 */
function bringsGrant({ annotations }: Pods, before: Pods): boolean {
  return grantAnnotations
    .filter((name) => annotations[name] !== undefined)
    .some((name) => !isDeepStrictEqual(annotations[name], before.annotations[name]))
}

function pathOf(
  request: AdmissionRequest,
  kinds: ReadonlyMap<string, TemplatePath>,
): TemplatePath | undefined {
  const { kind, subResource } = request
  if (asksToDebug(request) || isPodStatus(request)) return []
  if (subResource !== '') return undefined
  return builtInKinds.get(kindName(kind)) ?? kinds.get(kindName(kind))
}

interface Pods {
  readonly labels: JsonObject
  readonly annotations: JsonObject
  readonly images: readonly NamedImage[]
}

function podsOf(
  request: AdmissionRequest,
  object: JsonObject | undefined,
  path: TemplatePath,
): Pods | undefined {
  if (object === undefined) return undefined
  const place = path.join('.')
  const template = memberAt(object, path)
  if (template === undefined) return undefined
  const metadata = optionalObject(template.metadata, join(place, 'metadata'))
  const isList = isOldEphemeral(request)
  const spec = isList ? template : optionalObject(template.spec, join(place, 'spec'))
  const annotations = optionalObject(metadata.annotations, join(place, 'metadata.annotations'))
  return {
    labels: optionalObject(metadata.labels, join(place, 'metadata.labels')),
    annotations,
    images: [
      ...imagesOf(spec, isList ? 'object' : join(place, 'spec')),
      ...artifactsIn(annotations, join(place, 'metadata.annotations')),
    ].filter(({ image }) => image.trim() !== '' || !mayBeBlank(path, annotations)),
  }
}

/**
 * In a template a space stands for an image that somebody else fills in (`oc new-app`). Not beside a grant: who fills it in may be
 * a controller, and whoever wrote the grant would never be asked about.
 */
function mayBeBlank(path: TemplatePath, annotations: JsonObject): boolean {
  return path.length > 0 && grantAnnotations.every((name) => annotations[name] === undefined)
}

/**
 * Before 1.22 ephemeral containers came as a kind of their own, a list without the pod around it. The API server says so;
 * what a template calls itself is written by whoever asks.
 */
function isOldEphemeral(request: AdmissionRequest): boolean {
  return asksToDebug(request) && kindName(request.kind) === 'EphemeralContainers'
}

function memberAt(object: JsonObject, path: TemplatePath): JsonObject | undefined {
  let here = object
  for (const [index, name] of path.entries()) {
    const next: Json | undefined = Object.hasOwn(here, name) ? here[name] : undefined
    if (next === undefined || next === null) return undefined
    here = objectAt(next, path.slice(0, index + 1).join('.'))
  }
  return here
}

function optionalObject(value: Json | undefined, place: string): JsonObject {
  return value === undefined || value === null ? {} : objectAt(value, place)
}

function join(place: string, member: string): string {
  return place === '' ? member : `${place}.${member}`
}

function distinct(images: readonly NamedImage[]): readonly NamedImage[] {
  const seen = new Set<string>()
  return images.filter(({ image }) => !seen.has(image) && seen.add(image))
}

function unknownKind(
  { kind, subResource }: AdmissionRequest,
  kinds: ReadonlyMap<string, TemplatePath>,
): Problem {
  const name = subResource === '' ? kindName(kind) : `${kindName(kind)}/${subResource}`
  const own = kinds.size === 0 ? '' : `, ${[...kinds.keys()].join(', ')}`
  return {
    code: 'ADMISSION_KIND',
    where: `kind ${quote(name, 200)}`,
    expected: `a kind whose pod template is known: ${[...builtInKinds.keys()].join(', ')}${own}`,
    found: quote(name, 200),
    fix: `Ask the operator of the gate to add ${quote(name, 200)} to admission.kinds, or to take it out of the rules of the webhook`,
  }
}

function tooMany({ name }: AdmissionRequest, count: number): Problem {
  return {
    code: 'ADMISSION_LIMIT',
    where: name === '' ? 'object' : `object ${quote(name, 200)}`,
    expected: `at most ${maxImages} different images`,
    found: `${count}`,
    fix: 'Divide the pods so that each has fewer containers',
  }
}
