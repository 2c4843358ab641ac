import type { IncomingMessage, ServerResponse } from 'node:http'
import { SallyportError } from '#error'
import { rememberAllowed, type AllowedImages } from './allowed.ts'
import type { Call, OciProxyOptions } from './context.ts'
import { refusalOfError, sendRefusal, type Refusal } from './errors.ts'
import { assigned, judge } from './manifests.ts'
import { serveReferrers, serveTags } from './lists.ts'
import { routeOf, type NoRoute, type Place, type Route } from './route.ts'
import { common, sendBytes } from './send.ts'
import { serveBlob } from './serve-blob.ts'
import { shareWork } from './shared-work.ts'

/** Answers one request, completely. */
export type OciProxy = (request: IncomingMessage, response: ServerResponse) => Promise<void>

/**
 * A registry that hands out what the policies let through, and nothing else, from the registries behind it. It can only
 * be read.
 */
export function openOciProxy(options: OciProxyOptions): OciProxy {
  const { edition } = options.ports
  const allowed = rememberAllowed({ clock: options.clock, edition })
  const filling: Call['filling'] = shareWork(options.limits.blobMs)
  const upstreams = new Set(options.registries.keys())
  return async (request, response) => {
    const gone = new AbortController()
    // Who takes a byte now and then is no better than who takes none.
    const late = setTimeout(() => response.destroy(), options.limits.blobMs)
    response.once('close', () => {
      clearTimeout(late)
      gone.abort()
    })
    response.setTimeout(options.limits.stallMs, () => response.destroy())
    try {
      const refusal = await answer(request, response, {
        options,
        allowed,
        filling,
        upstreams,
        gone: gone.signal,
      })
      if (refusal !== undefined) sendRefusal(response, refusal)
    } catch (error) {
      if (!gone.signal.aborted && !isStranger(error))
        options.tell('pull failed', { path: pathOf(request) }, error)
      sendRefusal(response, refusalOfError(error))
    }
  }
}

/** Every client begins without saying who it is, and whoever reaches the port could fill the journal. */
function isStranger(error: unknown): boolean {
  return error instanceof SallyportError && error.code.startsWith('ACCESS_')
}

/** Without the query, which may hold what somebody took for a place of a token. */
function pathOf({ url = '' }: IncomingMessage): string {
  return (url.split('?', 1)[0] ?? '').slice(0, 500)
}

/** Answers what could not be answered otherwise, in the words of the spec. */
export function refuseOci(response: ServerResponse, error: unknown): void {
  sendRefusal(response, refusalOfError(error))
}

interface Proxy {
  readonly options: OciProxyOptions
  readonly allowed: AllowedImages
  readonly filling: Call['filling']
  readonly upstreams: ReadonlySet<string>
  readonly gone: AbortSignal
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { options, allowed, filling, upstreams, gone }: Proxy,
): Promise<Refusal | undefined> {
  const { method = '', url = '/' } = request
  if (method !== 'GET' && method !== 'HEAD') return readOnly(method)
  // Who asks is known before anything else is looked at.
  const requester = await options.identify(request)
  const route = routeOf(url, upstreams)
  if (route.kind === 'none') return noRoute(route)
  return serve(route, { ...options, allowed, filling, request, response, requester, gone })
}

async function serve(route: Route, call: Call): Promise<Refusal | undefined> {
  switch (route.kind) {
    case 'base':
      sendBytes(call.response, Buffer.from('{}'), { 'content-type': 'application/json' })
      return undefined
    case 'manifest':
      return serveManifest(route.place, route.reference, call)
    case 'blob':
      return serveBlob(route.place, route.sha256, call)
    case 'tags':
      return serveTags(route.place, route.query, call)
    case 'referrers':
      return serveReferrers(route.place, route, call)
  }
}

async function serveManifest(
  place: Place,
  reference: string,
  call: Call,
): Promise<Refusal | undefined> {
  const target = await assigned(place, call)
  if ('status' in target) return target
  const judged = await judge(place, reference, target, call)
  if (judged === undefined) return manifestUnknown(place, reference)
  if ('status' in judged) return judged
  if (judged.refusal !== undefined) return judged.refusal
  const digest = `sha256:${judged.sha256}`
  sendBytes(call.response, judged.bytes, {
    'content-type': judged.manifest.mediaType,
    'docker-content-digest': digest,
    etag: `"${digest}"`,
  })
  return undefined
}

function manifestUnknown({ name }: Place, reference: string): Refusal {
  const message = `the registry has no ${name} with ${reference}; fix: correct the tag or digest, or push the image to the registry`
  return { status: 404, code: 'MANIFEST_UNKNOWN', message, problems: [] }
}

function noRoute({ code, message }: NoRoute): Refusal {
  return { status: code.endsWith('_INVALID') ? 400 : 404, code, message, problems: [] }
}

function readOnly(method: string): Refusal {
  const message = `images are only read here, and ${method.slice(0, 20)} would change something: push to the registry itself`
  return {
    status: 405,
    code: 'UNSUPPORTED',
    message,
    problems: [],
    headers: { ...common, allow: 'GET, HEAD' },
  }
}
