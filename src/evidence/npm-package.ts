import { createHash } from 'node:crypto'
import type { DigestSet } from '#attestation'
import { parseJson } from '#document'
import { quote, SallyportError } from '#error'
import { z } from 'zod'
import type { HttpAnswer } from './http/client.ts'
import type { NpmPackage } from './npm-registry.ts'
import { placeOf, type SourceOptions } from './source-options.ts'
import { unavailable } from './unavailable.ts'

/** One version of an npm package: from here on its digests are the artifact. */
export interface ResolvedPackage {
  /** Of the tarball, computed from its bytes. */
  readonly digest: DigestSet & { readonly sha256: string; readonly sha512: string }
  readonly size: number
}

const maxPackumentBytes = 32 * 1024 * 1024
const maxTarballBytes = 256 * 1024 * 1024
const distSchema = z.object({
  dist: z.object({
    tarball: z.string().max(2000),
    integrity: z.string().max(4000).optional(),
  }),
})
const packumentSchema = z.object({ versions: z.record(z.string(), z.json()) })

/**
 * Says which bytes a package version is: the registry's packument names the tarball and its integrity, the tarball is
 * fetched, and its digests are computed. Nothing of it is unpacked.
 *
 * @throws SallyportError EVIDENCE_ARTIFACT_MISSING when the registry has no such version, or EVIDENCE_SOURCE_UNAVAILABLE,
 *   also when the bytes are not those whose integrity the packument tells
 */
export async function resolveInNpmRegistry(
  wanted: NpmPackage,
  options: SourceOptions,
): Promise<ResolvedPackage> {
  const { registry, name, version } = wanted
  const base = registry.endsWith('/') ? registry : `${registry}/`
  const answer = await send(new URL(name.replace('/', '%2f'), base), wanted, options, {
    what: `the versions of ${quote(name, 200)}`,
    // The short form, as npm itself asks for it; some registries have the long one only.
    accept: 'application/vnd.npm.install-v1+json, application/json;q=0.8',
    maxBytes: maxPackumentBytes,
  })
  if (answer.status === 404) throw missing(wanted)
  expectOk(answer, `the versions of ${quote(name, 200)}`)
  const { tarball, integrity = '' } = distOf(answer, wanted)
  return fetchTarball(tarball, integrity, { wanted, options, packument: answer, version })
}

function distOf({ body, url }: HttpAnswer, wanted: NpmPackage) {
  const what = `versions of ${quote(wanted.name, 200)}, each with dist.tarball`
  let versions: Readonly<Record<string, unknown>>
  try {
    const json = parseJson(body, {
      what: 'packument',
      maxBytes: maxPackumentBytes,
      maxValues: 4_000_000,
    })
    versions = packumentSchema.parse(json).versions
  } catch (cause) {
    throw unavailable(url.host, what, 'something else', cause)
  }
  if (!Object.hasOwn(versions, wanted.version)) throw missing(wanted)
  const parsed = distSchema.safeParse(versions[wanted.version])
  if (parsed.success) return parsed.data.dist
  throw unavailable(url.host, what, 'something else', parsed.error)
}

interface Fetching {
  readonly wanted: NpmPackage
  readonly options: SourceOptions
  readonly packument: HttpAnswer
  readonly version: string
}

async function fetchTarball(
  address: string,
  integrity: string,
  { wanted, options, packument }: Fetching,
): Promise<ResolvedPackage> {
  const url = URL.parse(address)
  const { host, origin } = packument.url
  if (url === null) throw unavailable(host, 'the address of a tarball', quote(address, 200))
  const what = `the tarball of ${quote(`${wanted.name}@${wanted.version}`, 200)}`
  // The registry may name any server, and none further inside than it lies; what is believed is the integrity.
  const answer = await send(url, url.origin === origin ? wanted : {}, options, {
    what,
    accept: '*/*',
    maxBytes: maxTarballBytes,
    limit: packument.limit,
  })
  expectOk(answer, what)
  const digest = digestsOf(answer.body)
  checkIntegrity(integrity, digest.sha512, answer, what)
  return { digest, size: answer.body.length }
}

function send(
  url: URL,
  { authorization }: { readonly authorization?: string },
  { http, signal }: SourceOptions,
  request: Omit<Parameters<SourceOptions['http']['send']>[1], 'authorization' | 'signal'>,
): Promise<HttpAnswer> {
  return http.send(url, {
    ...request,
    ...(authorization === undefined ? {} : { authorization }),
    ...(signal === undefined ? {} : { signal }),
  })
}

function expectOk({ status, url }: HttpAnswer, what: string): void {
  if (status !== 200) throw unavailable(url.host, what, `status ${status}`)
}

function digestsOf(bytes: Uint8Array): ResolvedPackage['digest'] {
  const hex = (algorithm: string): string => createHash(algorithm).update(bytes).digest('hex')
  return { sha256: hex('sha256'), sha512: hex('sha512') }
}

/** Subresource Integrity, as npm writes it; packages of old have SHA-1 alone, which says nothing. */
function checkIntegrity(integrity: string, sha512: string, { url }: HttpAnswer, what: string) {
  const told = integrity.split(/\s+/).flatMap((part) => {
    const [, base64] = /^sha512-([A-Za-z0-9+/]{86}==)(?:\?.*)?$/.exec(part) ?? []
    return base64 === undefined ? [] : [Buffer.from(base64, 'base64').toString('hex')]
  })
  if (told.length === 0 || told.includes(sha512)) return
  throw unavailable(url.host, `${what} with sha512:${told.join(' or ')}`, `sha512:${sha512}`)
}

function missing({ registry, name, version }: NpmPackage): SallyportError {
  return new SallyportError({
    code: 'EVIDENCE_ARTIFACT_MISSING',
    where: quote(`${name}@${version}`, 200),
    expected: `${quote(version, 100)} among the versions of ${quote(name, 200)} in ${placeOf(registry)}`,
    found: 'no such package or version',
    fix: 'Correct the name or the version, or publish the package to that registry',
  })
}
