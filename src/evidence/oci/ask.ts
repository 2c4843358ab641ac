import { quote } from '#error'
import type { HttpAnswer, HttpClient, HttpContent } from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { authorise } from './authorise.ts'
import type { Credentials } from './credentials.ts'

/** How the parts ask: a path below the repository, or an address at the same registry. */
export type Ask = (
  path: string,
  request: {
    readonly what: string
    readonly accept: string
    readonly maxBytes: number
    readonly content?: HttpContent
  },
) => Promise<HttpAnswer>

interface AskOptions {
  readonly http: HttpClient
  readonly credentials: Credentials
  readonly signal: AbortSignal
  /** What leave is asked for; default to read. */
  readonly actions?: 'pull' | 'pull,push'
}

/** Asks one registry, and authenticates when it wants that. */
export function openAsk(
  base: string,
  registry: string,
  repository: string,
  { http, credentials, signal, actions = 'pull' }: AskOptions,
): Ask {
  let authorization: Promise<string> | undefined
  return async (path, request) => {
    const url = new URL(path.startsWith('/') ? `${base}${path}` : path)
    // The token is for this registry: a page that lies elsewhere is not asked for.
    if (url.origin !== new URL(base).origin) {
      throw unavailable(new URL(base).host, `${request.what} at the registry`, quote(url.origin))
    }
    const send = async (): Promise<HttpAnswer> =>
      http.send(url, {
        ...request,
        signal,
        ...(authorization === undefined ? {} : { authorization: await authorization }),
      })
    const before = authorization
    const answer = await send()
    if (answer.status !== 401) return answer
    if (answer.url.origin !== url.origin) {
      throw unavailable(answer.url.host, request.what, 'status 401 behind a redirect')
    }
    // Others may have authenticated meanwhile; a token that ran out is got again, once.
    if (authorization === before) {
      authorization = authorise(answer, {
        http,
        credentials,
        registry,
        repository,
        actions,
        signal,
      })
      authorization.catch(() => undefined)
    }
    const again = await send()
    if (again.status === 401) {
      const leave = actions === 'pull' ? 'read' : 'write to'
      throw unavailable(url.host, `leave to ${leave} ${quote(repository, 200)}`, 'status 401')
    }
    return again
  }
}

export function isAbsent({ status }: HttpAnswer): boolean {
  return status === 404 || status === 410
}

export function expectOk({ status, url }: HttpAnswer, what: string): void {
  if (status !== 200) throw unavailable(url.host, what, `status ${status}`)
}
