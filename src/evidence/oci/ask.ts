import { quote } from '#error'
import type {
  HttpAnswer,
  HttpClient,
  HttpContent,
  HttpRequest,
  HttpStream,
} from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { authorise } from './authorise.ts'
import type { Credentials } from './credentials.ts'

interface Wanted {
  readonly what: string
  readonly accept: string
  readonly maxBytes: number
  readonly content?: HttpContent
}

/** How the parts ask: a path below the repository, or an address at the same registry. */
export type Ask = (path: string, request: Wanted) => Promise<HttpAnswer>

/** The same, for what is too large to be held. */
export type AskForStream = (path: string, request: Wanted) => Promise<HttpStream>

interface AskOptions {
  readonly http: HttpClient
  readonly credentials: Credentials
  readonly signal: AbortSignal
  /** What leave is asked for; default to read. */
  readonly actions?: 'pull' | 'pull,push'
  /** What one registry has said about authentication, for who asks often; belongs to the caller. */
  readonly tokens?: Tokens
}

/** Values of `Authorization`, by the address of the repository that they are for. They are never shown. */
export type Tokens = Pick<Map<string, Promise<string>>, 'get' | 'set' | 'delete'>

/** Asks one registry, and authenticates when it wants that. */
export function openAsk(
  base: string,
  registry: string,
  repository: string,
  options: AskOptions,
): Ask {
  return openAsker(base, registry, repository, options).ask
}

/** Asks one registry in both ways. */
export function openAsker(
  base: string,
  registry: string,
  repository: string,
  options: AskOptions,
): { readonly ask: Ask; readonly stream: AskForStream } {
  const { http } = options
  const place = { base, registry, repository }
  const asking = { ...options, tokens: options.tokens ?? new Map<string, Promise<string>>() }
  return {
    ask: (path, request) =>
      authenticated(path, request, place, asking, (url, asked) => http.send(url, asked)),
    stream: (path, request) =>
      authenticated(path, request, place, asking, (url, asked) => http.stream(url, asked)),
  }
}

async function authenticated<Answer extends HttpAnswer>(
  path: string,
  request: Wanted,
  { base, registry, repository }: { base: string; registry: string; repository: string },
  { http, credentials, signal, actions = 'pull', tokens }: AskOptions & { tokens: Tokens },
  speak: (url: URL, request: HttpRequest) => Promise<Answer>,
): Promise<Answer> {
  const url = new URL(path.startsWith('/') ? `${base}${path}` : path)
  // The token is for this registry: a page that lies elsewhere is not asked for.
  if (url.origin !== new URL(base).origin) {
    throw unavailable(new URL(base).host, `${request.what} at the registry`, quote(url.origin))
  }
  const before = tokens.get(base)
  const send = async (): Promise<Answer> => {
    const known = tokens.get(base)
    const late = (): Error => unavailable(url.host, request.what, 'no token within the time given')
    const authorization =
      known === undefined ? {} : { authorization: await inTime(known, signal, late) }
    return speak(url, { ...request, signal, ...authorization })
  }
  const answer = await send()
  if (answer.status !== 401) return answer
  if (answer.url.origin !== url.origin) {
    throw unavailable(answer.url.host, request.what, 'status 401 behind a redirect')
  }
  // Others may have authenticated meanwhile; a token that ran out is got again, once.
  if (tokens.get(base) === before) {
    // Others wait for it, too: it does not end with whoever asked first.
    const fresh = authorise(answer, { http, credentials, registry, repository, actions })
    tokens.set(base, fresh)
    // What failed once is asked for anew by the next.
    fresh.catch(() => tokens.delete(base))
  }
  const again = await send()
  if (again.status === 401) {
    const leave = actions === 'pull' ? 'read' : 'write to'
    throw unavailable(url.host, `leave to ${leave} ${quote(repository, 200)}`, 'status 401')
  }
  return again
}

/** Waits for what is also for others, as long as there is time; it goes on without who has none. */
async function inTime<T>(shared: Promise<T>, signal: AbortSignal, late: () => Error): Promise<T> {
  const over = Promise.withResolvers<never>()
  const end = (): void => over.reject(late())
  if (signal.aborted) end()
  signal.addEventListener('abort', end, { once: true })
  try {
    return await Promise.race([shared, over.promise])
  } finally {
    signal.removeEventListener('abort', end)
  }
}

export function isAbsent({ status }: HttpAnswer): boolean {
  return status === 404 || status === 410
}

export function expectOk({ status, url }: HttpAnswer, what: string): void {
  if (status !== 200) throw unavailable(url.host, what, `status ${status}`)
}
