import { parseJson } from '#document'
import { quote } from '#error'
import { z } from 'zod'
import type { HttpAnswer, HttpClient } from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { parseChallenge, type Challenge } from './challenge.ts'
import type { Credential, Credentials } from './credentials.ts'

export interface Asker {
  readonly http: HttpClient
  readonly credentials: Credentials
  readonly registry: string
  readonly repository: string
  readonly actions: 'pull' | 'pull,push'
  /** Default: as long as the client gives an answer. */
  readonly signal?: AbortSignal
}

const what = 'a token to read with'
const maxTokenBytes = 64 * 1024
const maxTokenLength = 12 * 1024
const tokenSchema = z.object({ token: z.string().optional(), access_token: z.string().optional() })

/**
 * Answers a 401 of a registry: the value of the `Authorization` header to come back with.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE or EVIDENCE_CREDENTIALS; without any secret in it
 */
export async function authorise(answer: HttpAnswer, asker: Asker): Promise<string> {
  const { registry, repository } = asker
  const { host } = answer.url
  const challenge = parseChallenge(answer.headers['www-authenticate'])
  if (challenge === undefined) {
    throw unavailable(host, 'to be told how to authenticate (Basic or Bearer)', 'status 401')
  }
  const credential = await asker.credentials.find(registry, repository)
  if (challenge.scheme === 'bearer') {
    return credential?.kind === 'bearer'
      ? bearer(credential.token, host)
      : fetchToken(challenge, credential, answer, asker)
  }
  if (credential?.kind === 'basic') return basic(credential)
  const found = credential === undefined ? 'none' : 'a token'
  throw unavailable(
    host,
    `a name and password for ${quote(registry, 100)} in the Docker configuration`,
    found,
  )
}

/**
 * The same for somebody without any credential: undefined when nothing is given to them.
 *
 * @throws SallyportError EVIDENCE_SOURCE_UNAVAILABLE when the token server cannot be asked, or answers oddly
 */
export async function authoriseAnybody(
  answer: HttpAnswer,
  asker: Omit<Asker, 'credentials'>,
): Promise<string | undefined> {
  const challenge = parseChallenge(answer.headers['www-authenticate'])
  if (challenge?.scheme !== 'bearer') return undefined
  const given = await askForToken(challenge, undefined, answer, asker)
  return [400, 401, 403, 404].includes(given.status) ? undefined : tokenOf(given)
}

async function fetchToken(
  challenge: Challenge & { scheme: 'bearer' },
  credential: Exclude<Credential, { kind: 'bearer' }> | undefined,
  answer: HttpAnswer,
  asker: Asker,
): Promise<string> {
  return tokenOf(await askForToken(challenge, credential, answer, asker))
}

async function askForToken(
  challenge: Challenge & { scheme: 'bearer' },
  credential: Exclude<Credential, { kind: 'bearer' }> | undefined,
  { url, limit }: HttpAnswer,
  asker: Omit<Asker, 'credentials'>,
): Promise<HttpAnswer> {
  const realm = URL.parse(challenge.realm)
  const isDown = url.protocol === 'https:' && realm?.protocol !== 'https:'
  if (realm === null || isDown || realm.username !== '' || realm.password !== '') {
    throw unavailable(url.host, 'a token server reached by TLS', quote(challenge.realm, 200))
  }
  const query = queryOf(challenge, asker)
  const common = {
    what,
    accept: 'application/json',
    maxBytes: maxTokenBytes,
    limit,
    ...(asker.signal === undefined ? {} : { signal: asker.signal }),
  }
  if (credential?.kind === 'identity') {
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      client_id: 'sallyport',
      refresh_token: credential.token,
      ...query,
    }).toString()
    return await asker.http.send(realm, { ...common, form })
  }
  for (const [name, value] of Object.entries(query)) realm.searchParams.set(name, value)
  const authorization = credential === undefined ? {} : { authorization: basic(credential) }
  return await asker.http.send(realm, { ...common, ...authorization })
}

function queryOf(
  { service }: Challenge & { scheme: 'bearer' },
  { repository, actions }: Pick<Asker, 'repository' | 'actions'>,
): Readonly<Record<string, string>> {
  // What is asked for is what is needed, whatever the registry suggests.
  const scope = `repository:${repository}:${actions}`
  return service === undefined ? { scope } : { service, scope }
}

function tokenOf({ status, body, url }: HttpAnswer): string {
  if (status !== 200) throw unavailable(url.host, what, `status ${status}`)
  let token: string | undefined
  try {
    const value = tokenSchema.parse(parseJson(body, { what }))
    token = value.token ?? value.access_token
  } catch {
    // The message would quote the answer, which may hold a token.
  }
  if (token === undefined) throw unavailable(url.host, what, 'an answer without one')
  return bearer(token, url.host)
}

function basic({ username, password }: Credential & { kind: 'basic' }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function bearer(token: string, host: string): string {
  if (token.length <= maxTokenLength && /^[\w.~+/-]+=*$/.test(token)) return `Bearer ${token}`
  throw unavailable(host, what, 'one with characters that no token has, or too long')
}
