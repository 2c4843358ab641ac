import { decodeText, isObject, parseJson, type JsonObject } from '#document'
import { SallyportError } from '#error'
import { readBounded } from '../read-bounded.ts'
import { askHelper } from './credential-helper.ts'

/** What a registry wants to see. It is never shown, logged or part of an error. */
export type Credential =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'identity'; readonly token: string }
  | { readonly kind: 'bearer'; readonly token: string }

/** Finds the credential for a repository; undefined when nobody gave one, and then the registry is asked as anybody. */
export interface Credentials {
  find(registry: string, repository: string): Promise<Credential | undefined>
}

/** Asks every registry as anybody. */
export const anonymous: Credentials = { find: () => Promise.resolve(undefined) }

const maxConfigBytes = 1024 * 1024
const hub = 'https://index.docker.io/v1/'

/**
 * Reads `auths`, `credHelpers` and `credsStore` of a Docker configuration. A file that does not exist holds no credentials.
 * Entries of `auths` may name a path (`host/team`), as podman writes them; the longest that matches is taken.
 *
 * @throws SallyportError EVIDENCE_CREDENTIALS when the file cannot be understood; what is in it is not told
 */
export async function readDockerCredentials(file: string): Promise<Credentials> {
  const config = await readConfig(file)
  const auths = objectAt(config, 'auths')
  const helpers = objectAt(config, 'credHelpers')
  const store = config['credsStore']
  return {
    async find(registry, repository) {
      const helper = Object.hasOwn(helpers, registry) ? helpers[registry] : undefined
      if (typeof helper === 'string') return askHelper(helper, serverOf(registry))
      const entry = entryOf(auths, registry, repository)
      const credential = entry === undefined ? undefined : credentialOf(entry, file)
      if (credential !== undefined) return credential
      if (typeof store === 'string' && store !== '') return askHelper(store, serverOf(registry))
      return undefined
    },
  }
}

/** A credential that a Docker configuration has: for where, and of which kind. Never what it is. */
export interface NamedCredential {
  readonly registry: string
  readonly kind: 'password' | 'identity token' | 'bearer token' | 'helper'
  /** The program that is asked for it. */
  readonly helper?: string
}

/** Names what a Docker configuration has credentials for; no program is asked. */
export async function nameDockerCredentials(file: string): Promise<readonly NamedCredential[]> {
  const config = await readConfig(file)
  const kinds = { basic: 'password', identity: 'identity token', bearer: 'bearer token' } as const
  const entries = Object.entries(objectAt(config, 'auths')).flatMap(([key, entry]) => {
    const credential = isObject(entry) ? credentialOf(entry, file) : undefined
    // Somebody may have written a name and password into the address.
    const registry = placeOf(key).replace(/^[^/]*@/, '')
    return credential === undefined ? [] : [{ registry, kind: kinds[credential.kind] }]
  })
  const helpers = Object.entries(objectAt(config, 'credHelpers')).flatMap(([registry, helper]) =>
    typeof helper === 'string' ? [{ registry, kind: 'helper' as const, helper }] : [],
  )
  const store = config['credsStore']
  const rest =
    typeof store === 'string' && store !== ''
      ? [{ registry: 'every other registry', kind: 'helper' as const, helper: store }]
      : []
  return [...entries, ...helpers, ...rest]
}

async function readConfig(file: string): Promise<JsonObject> {
  let bytes: Uint8Array
  try {
    bytes = await readBounded(file, maxConfigBytes)
  } catch (cause) {
    if (cause instanceof SallyportError && cause.code === 'EVIDENCE_FILE_MISSING') return {}
    throw unreadable(file, 'a file that can be read', 'one that cannot')
  }
  try {
    const value = parseJson(bytes, { what: file, maxBytes: maxConfigBytes })
    if (isObject(value)) return value
  } catch {
    // The message would quote the file, which holds passwords: neither it nor its cause is passed on.
  }
  throw unreadable(file, 'a JSON object, as docker login writes it', 'something else')
}

/** The hub's entry is the address of its old index. */
function serverOf(registry: string): string {
  return registry === 'docker.io' ? hub : registry
}

function entryOf(auths: JsonObject, registry: string, repository: string): JsonObject | undefined {
  const entries = new Map(Object.entries(auths).map(([key, value]) => [placeOf(key), value]))
  const parts = [registry, ...repository.split('/')]
  for (let length = parts.length; length > 0; length -= 1) {
    const entry = entries.get(parts.slice(0, length).join('/'))
    if (entry !== undefined && isObject(entry)) return entry
  }
  return undefined
}

/** `https://host/v1/` and `host` name the same place. */
function placeOf(key: string): string {
  const bare = key
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '')
    .replace(/\/v[12]$/, '')
  return bare === 'index.docker.io' ? 'docker.io' : bare
}

function credentialOf(entry: JsonObject, file: string): Credential | undefined {
  const text = (name: string): string => {
    const value = Object.hasOwn(entry, name) ? entry[name] : undefined
    return typeof value === 'string' ? value : ''
  }
  if (text('registrytoken') !== '') return { kind: 'bearer', token: text('registrytoken') }
  if (text('identitytoken') !== '') return { kind: 'identity', token: text('identitytoken') }
  if (text('auth') !== '') return decodeBasic(text('auth'), file)
  if (text('username') === '') return undefined
  return { kind: 'basic', username: text('username'), password: text('password') }
}

function decodeBasic(auth: string, file: string): Credential {
  const decoded = decodeOrEmpty(auth)
  const colon = decoded.indexOf(':')
  if (colon < 1) throw unreadable(file, '"auth" as base64 of name:password', 'something else')
  return { kind: 'basic', username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

function decodeOrEmpty(auth: string): string {
  try {
    // Docker pads with zero bytes in old files.
    return decodeText(Buffer.from(auth, 'base64'), 'auth', 64 * 1024).replace(/\0+$/, '')
  } catch {
    return ''
  }
}

function objectAt(config: JsonObject, name: string): JsonObject {
  const value = Object.hasOwn(config, name) ? config[name] : undefined
  return value !== undefined && isObject(value) ? value : {}
}

function unreadable(file: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_CREDENTIALS',
    where: file,
    expected,
    found,
    fix: `Repair ${file}, or log in again with docker login`,
  })
}
