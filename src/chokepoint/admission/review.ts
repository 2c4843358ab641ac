import { checkShape, parseJson, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { z } from 'zod'

/** What a Kubernetes API server asks (admission.k8s.io/v1 AdmissionRequest), as far as it concerns a decision. */
export interface AdmissionRequest {
  /** Repeated in the answer; the API server refuses an answer with another one. */
  readonly uid: string
  readonly kind: GroupVersionKind
  /** Such as `scale`, `status`, `ephemeralcontainers`; empty for the object itself. */
  readonly subResource: string
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  /** Empty for what lives in no namespace. */
  readonly namespace: string
  /** Empty while the server has yet to make up a name (`generateName`). */
  readonly name: string
  /** Who asked the API server, as the API server authenticated them. */
  readonly user: string
  /** Nothing may change outside, and nothing is deployed. */
  readonly dryRun: boolean
  readonly object?: JsonObject
  readonly oldObject?: JsonObject
}

export interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

/**
 * No API server sends more: of an update both objects, which have at most 1.5 MiB each in etcd, in which each `<` is written with
 * six bytes. What cannot be changed could never lose its finalizers.
 */
export const maxReviewBytes = 20 * 1024 * 1024
/** Of two such objects that are lists of empty lists, with two for every three bytes. */
const maxValues = 2_200_000
/** Kubernetes refuses objects that are deeper; custom resources come close to it. */
const maxDepth = 512

const short = z.string().max(1024)
// Kubernetes adds fields with every version: what is not read here is not looked at.
const reviewSchema = z.looseObject({
  apiVersion: z.literal('admission.k8s.io/v1'),
  kind: z.literal('AdmissionReview'),
  request: z.looseObject({
    uid: z.string().regex(/^[\w-]{1,128}$/, 'a UID'),
    kind: z.looseObject({ group: short, version: short, kind: short.min(1) }),
    subResource: short.default(''),
    operation: z.enum(['CREATE', 'UPDATE', 'DELETE', 'CONNECT']),
    namespace: short.default(''),
    name: short.default(''),
    userInfo: z.looseObject({ username: short.default('') }).default({ username: '' }),
    dryRun: z.boolean().nullish(),
    object: z.unknown().optional(),
    oldObject: z.unknown().optional(),
  }),
})

/**
 * Reads what an API server posts.
 *
 * @throws SallyportError DOCUMENT_* or ADMISSION_REVIEW. Then there is no `uid` to answer with: HTTP 400, which the API
 *   server takes for a failure of the webhook and refuses under `failurePolicy: Fail`.
 */
export function parseReview(bytes: Uint8Array): AdmissionRequest {
  const what = 'AdmissionReview'
  // Kubernetes has numbers of 64 bits, such as the seconds of a toleration; here none is looked at.
  const options = { what, maxBytes: maxReviewBytes, maxValues, maxDepth, roundsIntegers: true }
  const value = parseJson(bytes, options)
  const { request } = checkShape(reviewSchema, value, { what })
  const { group, version, kind } = request.kind
  const object = objectOf(request.object, 'request.object')
  const oldObject = objectOf(request.oldObject, 'request.oldObject')
  return {
    uid: request.uid,
    kind: { group, version, kind },
    subResource: request.subResource,
    operation: request.operation,
    namespace: request.namespace,
    name: request.name,
    user: request.userInfo.username,
    dryRun: request.dryRun ?? false,
    ...(object === undefined ? {} : { object }),
    ...(oldObject === undefined ? {} : { oldObject }),
  }
}

/** What is recorded of a request: which object, and what is done to it. What is in the object, secrets perhaps, is not. */
export function askedIn(request: AdmissionRequest): Readonly<Record<string, string>> {
  const { uid, operation, kind, namespace, name, subResource } = request
  return {
    uid,
    operation,
    kind: `${kind.group}/${kind.kind}`,
    namespace,
    name,
    ...(subResource === '' ? {} : { subResource }),
  }
}

/** Whether it puts containers for debugging into a pod; the API server lets such a request change nothing else. */
export function asksToDebug({ subResource }: AdmissionRequest): boolean {
  return subResource === 'ephemeralcontainers'
}

function objectOf(value: unknown, where: string): JsonObject | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object' && !Array.isArray(value)) return value as JsonObject
  throw new SallyportError({
    code: 'ADMISSION_REVIEW',
    where: `AdmissionReview ${where}`,
    expected: 'an object, or null',
    found: Array.isArray(value) ? 'an array' : typeof value,
    fix: 'Send the AdmissionReview as the API server makes it',
  })
}
