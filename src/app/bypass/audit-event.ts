import { z } from 'zod'
import { builtInKinds, kindName } from '#chokepoint'
import { checkShape, parseJson, type Json, type JsonObject } from '#document'

/** What an API server did, as its audit log tells it (audit.k8s.io/v1), as far as it concerns the gate. */
export interface AuditEvent {
  readonly id: string
  /** When the request came. */
  readonly time: string
  readonly verb: string
  /** As whom it was done: whom admission was told. */
  readonly user: string
  /** Who has proven to be somebody, where that is another than `user`. */
  readonly impersonator?: string
  /** Of whoever has proven to be somebody. */
  readonly groups: readonly string[]
  readonly isDryRun: boolean
  /** The status that was answered; 0 where the log does not say. */
  readonly code: number
  readonly annotations: Readonly<Record<string, string>>
  /** Such as `apps/deployments` or `pods/ephemeralcontainers`; the core group has no name. */
  readonly resource: string
  readonly namespace: string
  readonly name: string
  /** The object that was stored, where the policy of the audit log keeps objects. */
  readonly object?: JsonObject
}

const text = z.string().max(4096)
const name = text.nullish().transform((value) => value ?? '')
// Kubernetes adds fields with every version: what is not read here is not looked at.
const schema = z.looseObject({
  apiVersion: z.literal('audit.k8s.io/v1'),
  kind: z.literal('Event'),
  auditID: z.string().min(1).max(200),
  stage: text,
  requestURI: z.string().max(100_000).default(''),
  verb: text,
  user: z.looseObject({ username: name, groups: z.array(text).max(10_000).nullish() }).nullish(),
  impersonatedUser: z.looseObject({ username: name }).nullish(),
  objectRef: z
    .looseObject({ resource: name, subresource: name, apiGroup: name, namespace: name, name })
    .nullish(),
  responseStatus: z.looseObject({ code: z.int().nullish() }).nullish(),
  requestReceivedTimestamp: z.iso.datetime({ offset: true }),
  annotations: z.record(text, z.string().max(100_000)).nullish(),
  requestObject: z.unknown().optional(),
  responseObject: z.unknown().optional(),
})

/** Longer than what an API server takes, and than what it writes about it. */
export const maxLineBytes = 8 * 1024 * 1024
const maxDepth = 512

/**
 * Reads one line of an audit log. Undefined for an event that is told again when it is over.
 *
 * @throws SallyportError DOCUMENT_*
 */
export function parseAuditEvent(line: Uint8Array): AuditEvent | undefined {
  const what = 'audit event'
  const value = parseJson(line, { what, maxBytes: maxLineBytes, maxDepth })
  const event = checkShape(schema, value, { what })
  if (event.stage !== 'ResponseComplete' && event.stage !== 'Panic') return undefined
  const object = storedObject(event)
  return {
    id: event.auditID,
    time: event.requestReceivedTimestamp,
    verb: event.verb,
    isDryRun: asksForDryRun(event.requestURI),
    code: event.responseStatus?.code ?? 0,
    annotations: event.annotations ?? {},
    ...whoIn(event),
    ...whatIn(event),
    ...(object === undefined ? {} : { object }),
  }
}

/** As the API server reads it, and no more generously: who asks must not be able to look like a try. */
function asksForDryRun(uri: string): boolean {
  const start = uri.indexOf('?')
  const pairs = start === -1 ? [] : uri.slice(start + 1).split('&')
  return pairs
    .filter((pair) => !pair.includes(';'))
    .some((pair) => {
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      return decoded(name) === 'dryRun' && decoded(value) === 'All'
    })
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

type Parsed = z.output<typeof schema>

function whoIn({
  user,
  impersonatedUser,
}: Parsed): Pick<AuditEvent, 'user' | 'impersonator' | 'groups'> {
  const proven = user?.username ?? ''
  const groups = user?.groups ?? []
  if (impersonatedUser === undefined || impersonatedUser === null) return { user: proven, groups }
  return { user: impersonatedUser.username, impersonator: proven, groups }
}

const nothing = { resource: '', subresource: '', apiGroup: '', namespace: '', name: '' }

function whatIn({ objectRef }: Parsed): Pick<AuditEvent, 'resource' | 'namespace' | 'name'> {
  const { resource, subresource, apiGroup, namespace, name: ofObject } = objectRef ?? nothing
  const whole = apiGroup === '' ? resource : `${apiGroup}/${resource}`
  return {
    resource: subresource === '' ? whole : `${whole}/${subresource}`,
    namespace,
    name: ofObject,
  }
}

/** A patch is not the object that comes of it. */
function storedObject({ verb, requestObject, responseObject }: Parsed): JsonObject | undefined {
  const found = [responseObject, verb === 'create' ? requestObject : undefined]
  return found
    .filter((value) => typeof value === 'object' && value !== null && !Array.isArray(value))
    .map((value) => value as JsonObject)
    .find(({ kind }) => kind !== 'Status')
}

/** The digests of all images that an event stored; undefined when it does not tell, or one has none. */
export function digestsIn({ object }: AuditEvent): readonly string[] | undefined {
  if (object === undefined) return undefined
  const images = imagesOf(object)
  const digests = images.map((image) => /@sha256:([0-9a-f]{64})$/.exec(image)?.[1])
  const known = digests.filter((digest) => digest !== undefined)
  return known.length === 0 || known.length < images.length ? undefined : [...new Set(known)]
}

function imagesOf(object: JsonObject): readonly string[] {
  const { apiVersion, kind } = object
  if (typeof apiVersion !== 'string' || typeof kind !== 'string') return []
  const [group = '', version] = apiVersion.split('/')
  const path = builtInKinds.get(kindName({ group: version === undefined ? '' : group, kind }))
  if (path === undefined) return []
  const spec = [...path, 'spec'].reduce<Json | undefined>(memberOf, object)
  const containers = ['containers', 'initContainers', 'ephemeralContainers'].flatMap((list) =>
    listOf(memberOf(spec, list)).map((one) => memberOf(one, 'image')),
  )
  const volumes = listOf(memberOf(spec, 'volumes')).flatMap((one) => {
    const image = memberOf(one, 'image')
    return image === undefined ? [] : [memberOf(image, 'reference')]
  })
  return [...containers, ...volumes].map((image) => (typeof image === 'string' ? image : ''))
}

function memberOf(value: Json | undefined, member: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const object = value as JsonObject
  return Object.hasOwn(object, member) ? object[member] : undefined
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : []
}
