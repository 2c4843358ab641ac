import { z } from 'zod'
import { parseJson, Pieces } from '#document'
import { quote, SallyportError } from '#error'
import type { NpmAccess } from './config.ts'
import { HttpFailure, openHttp, type HttpClient, type Transport } from './http.ts'
import { readIntegrity } from './integrity.ts'
import { npmId } from './name.ts'

export interface RegistryOptions {
  /** How often a fetch is tried again after a failure that may pass. Default 3. */
  readonly retries?: number
  /** The wait before the first new try; doubled for each further one. Default 300 ms. */
  readonly retryDelayMs?: number
}

/** The npm registries of this machine. */
export interface Registry {
  /** Hands over the body of a version's tarball. `read` is called anew for each try. */
  tarball<T>(
    wanted: { readonly name: string; readonly version: string },
    read: (body: AsyncIterable<Uint8Array>, transport: Transport) => Promise<T>,
  ): Promise<T>
  /** The SHA-512 that the registry's metadata has for a version; over an authenticated way only. */
  integrity(name: string, version: string): Promise<string>
  close(): void
}

export function openRegistry(access: NpmAccess, options: RegistryOptions = {}): Registry {
  const http = openHttp(access)
  const context: Context = {
    http,
    access,
    retries: options.retries ?? 3,
    delayMs: options.retryDelayMs ?? 300,
  }
  return {
    async tarball({ name, version }, read) {
      const what = npmId(name, version)
      const fetch = (url: URL): ReturnType<typeof read> =>
        persist(context, () =>
          http.fetch(url, { accept: '*/*', authenticated: 'recorded', what }, read),
        )
      try {
        return await fetch(usualAddress(access, name, version))
      } catch (cause) {
        if (!isAbsent(cause)) throw unavailable(access, name, version, cause)
      }
      // Some registries keep tarballs elsewhere and say so in their metadata. The digest decides, not the address.
      const address = await tarballAddress(context, name, version)
      return await fetch(address).catch((cause: unknown) => {
        throw unavailable(access, name, version, cause)
      })
    },
    async integrity(name, version) {
      const { dist } = await metadata(context, name, version, 'required')
      const integrity = readIntegrity(dist?.integrity)
      if (integrity.kind === 'sha512') return integrity.text
      throw noIntegrity(name, version, dist?.integrity)
    },
    close: () => http.close(),
  }
}

interface Context {
  readonly http: HttpClient
  readonly access: NpmAccess
  readonly retries: number
  readonly delayMs: number
}

const versionSchema = z.looseObject({
  dist: z
    .looseObject({ integrity: z.string().optional(), tarball: z.string().optional() })
    .optional(),
})
const packumentSchema = z.looseObject({ versions: z.record(z.string(), versionSchema) })
type Version = z.infer<typeof versionSchema>

const largestPackument = 64 * 1024 ** 2
// The short form has all that is needed and is a tenth of the size.
const packumentType = 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8'

async function metadata(
  context: Context,
  name: string,
  version: string,
  authenticated: 'required' | 'recorded',
): Promise<Version> {
  const { access } = context
  const url = new URL(name.replace('/', '%2f'), access.registryFor(name))
  const what = `the metadata of ${quote(name)}`
  const bytes = await persist(context, () =>
    context.http.fetch(url, { accept: packumentType, authenticated, what }, gather),
  ).catch((cause: unknown) => {
    throw isAbsent(cause)
      ? unknown(access, name, version)
      : unavailable(access, name, version, cause)
  })
  const packument = packumentSchema.safeParse(
    parseJson(bytes, { what, maxBytes: largestPackument, maxValues: 8_000_000 }),
  )
  const found = packument.success ? packument.data.versions : {}
  const entry = Object.hasOwn(found, version) ? found[version] : undefined
  if (entry === undefined) throw unknown(access, name, version)
  return entry
}

async function tarballAddress(context: Context, name: string, version: string): Promise<URL> {
  const { dist } = await metadata(context, name, version, 'recorded')
  const url = URL.parse(dist?.tarball ?? '')
  if (url === null || !['http:', 'https:'].includes(url.protocol))
    throw unknown(context.access, name, version)
  return url
}

async function gather(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces = new Pieces()
  for await (const chunk of body) {
    if (pieces.size + chunk.length > largestPackument)
      throw new HttpFailure(`more than ${largestPackument} bytes`, undefined, false)
    pieces.add(chunk)
  }
  return pieces.whole()
}

function usualAddress(access: NpmAccess, name: string, version: string): URL {
  const file = `${name.slice(name.indexOf('/') + 1)}-${version}.tgz`
  return new URL(`${name}/-/${file}`, access.registryFor(name))
}

async function persist<T>({ retries, delayMs }: Context, attempt: () => Promise<T>): Promise<T> {
  for (let tried = 0; ; tried += 1) {
    try {
      return await attempt()
    } catch (cause) {
      const passing = cause instanceof HttpFailure && cause.passing
      if (!passing || tried >= retries) throw cause
      await new Promise((resolve) => setTimeout(resolve, delayMs * 2 ** tried))
    }
  }
}

function isAbsent(cause: unknown): boolean {
  return cause instanceof HttpFailure && [403, 404, 405, 410].includes(cause.status ?? 0)
}

function unavailable(
  access: NpmAccess,
  name: string,
  version: string,
  cause: unknown,
): SallyportError {
  if (cause instanceof SallyportError) return cause
  if (isAbsent(cause)) return unknown(access, name, version)
  const { origin } = access.registryFor(name)
  return new SallyportError(
    {
      code: 'MATERIAL_UNAVAILABLE',
      where: npmId(name, version),
      expected: `the package from ${quote(origin)}`,
      found: quote(cause instanceof Error ? cause.message : cause),
      fix: `Check that this machine reaches its registry: npm view ${name}@${version} --registry ${origin}`,
    },
    { cause },
  )
}

function unknown(access: NpmAccess, name: string, version: string): SallyportError {
  return new SallyportError({
    code: 'MATERIAL_UNKNOWN',
    where: npmId(name, version),
    expected: `the registry ${quote(access.registryFor(name).origin)} to have this version`,
    found: 'no such package or version',
    fix: `Correct the name or version, or point npm at the registry that has it`,
  })
}

function noIntegrity(name: string, version: string, found: string | undefined): SallyportError {
  return new SallyportError({
    code: 'NPM_INTEGRITY_MISSING',
    where: `the registry's metadata of ${npmId(name, version)}`,
    expected: 'an integrity with one SHA-512 hash',
    found: found === undefined ? 'none' : quote(found),
    fix: 'Use a version that was published with a SHA-512 integrity, or another registry',
  })
}
