import { parseJson, sha256Hex } from '#document'
import { quote } from '#error'
import { z } from 'zod'
import type { HttpAnswer, HttpClient } from '../http/client.ts'
import { unavailable } from '../unavailable.ts'
import { expectOk, isAbsent, openAsker, type Tokens } from './ask.ts'
import type { Credentials } from './credentials.ts'
import { manifestTypes } from './manifest.ts'
import { registryOf } from './reference.ts'
import { listReferrers, type Referrers } from './referrers.ts'
import { queryOfTagPage, readTagPage, type TagPage } from './tag-page.ts'

export interface UpstreamOptions {
  readonly http: HttpClient
  readonly credentials: Credentials
  /** Kept between requests, by whoever keeps the client. */
  readonly tokens: Tokens
}

/** One registry that somebody else is served from. Undefined means that it says it has no such thing; a failure throws. */
export interface Upstream {
  /** The repository, for one request: everything ends with `signal`. */
  repository(name: string, signal: AbortSignal): UpstreamRepository
}

/** What a registry hands out. Whoever passes it on compares it with its digest. */
export interface UpstreamRepository {
  /** By tag or `sha256:…`; the bytes, whatever they are. */
  manifest(reference: string): Promise<Uint8Array | undefined>
  /** At most `maxBytes` of a blob, as they arrive. */
  blob(sha256: string, maxBytes: number): Promise<AsyncGenerator<Uint8Array> | undefined>
  /** One page of tags. */
  tags(page: TagPage): Promise<Tags | undefined>
  /** What names the manifest as its subject; undefined when the registry has no such API. */
  referrers(sha256: string, artifactType: string | undefined): Promise<Referrers | undefined>
}

export interface Tags {
  readonly tags: readonly string[]
  /** The page that follows. */
  readonly next?: TagPage
  /** There are more, on a page that the registry names in a way that is not passed on. */
  readonly isCut: boolean
}

const maxManifestBytes = 4 * 1024 * 1024
const maxTagBytes = 4 * 1024 * 1024
const maxLink = 4096
const tagName = z.string().regex(/^\w[\w.-]{0,127}$/)
const tagsSchema = z.object({ tags: z.array(tagName).max(100_000).nullish() })

/** Opens a registry at its address (`https://host`). Of what its clients say only names and pages of tags are passed on to it. */
export function openUpstream(address: URL, options: UpstreamOptions): Upstream {
  const registry = registryOf(address)
  return {
    repository(name, signal) {
      const base = `${address.origin}/v2/${name}`
      const { ask, stream } = openAsker(base, registry, name, { ...options, signal })
      return {
        async manifest(reference) {
          const what = `manifest ${reference}`
          const request = { what, accept: manifestTypes.join(', '), maxBytes: maxManifestBytes }
          const answer = await ask(`/manifests/${reference}`, request)
          if (isAbsent(answer)) return undefined
          expectOk(answer, what)
          return checkedManifest(answer, reference, what)
        },
        async blob(sha256, maxBytes) {
          const what = `blob sha256:${sha256}`
          const answer = await stream(`/blobs/sha256:${sha256}`, { what, accept: '*/*', maxBytes })
          if (isAbsent(answer)) return undefined
          expectOk(answer, what)
          return answer.content
        },
        async tags(page) {
          const query = queryOfTagPage(page)
          const path = query.size === 0 ? '/tags/list' : `/tags/list?${query.toString()}`
          const request = { what: 'tags', accept: 'application/json', maxBytes: maxTagBytes }
          const answer = await ask(path, request)
          if (isAbsent(answer)) return undefined
          expectOk(answer, 'tags')
          return tagsOf(answer)
        },
        referrers: (sha256, artifactType) => listReferrers(sha256, artifactType, ask),
      }
    },
  }
}

// A tag is a promise of the registry; what it says about its own bytes has to hold at least.
function checkedManifest(
  { headers, body, url }: HttpAnswer,
  reference: string,
  what: string,
): Uint8Array {
  const found = `sha256:${sha256Hex(body)}`
  const said = headers['docker-content-digest']
  const stated = typeof said === 'string' && said.startsWith('sha256:') ? said : found
  const wanted = reference.startsWith('sha256:') ? reference : stated
  if (found === wanted) return body
  throw unavailable(url.host, `${what} with the digest ${quote(wanted)}`, `bytes with ${found}`)
}

function tagsOf({ body, headers, url }: HttpAnswer): Tags {
  let tags: readonly string[]
  try {
    tags = tagsSchema.parse(parseJson(body, { what: 'tags', maxBytes: maxTagBytes })).tags ?? []
  } catch (cause) {
    throw unavailable(url.host, 'a list of tags', 'something else', cause)
  }
  return { tags, ...nextOf(String(headers['link'] ?? ''), url) }
}

/** What the link says is read and written anew: nobody is led anywhere by it. */
function nextOf(link: string, { href }: URL): Omit<Tags, 'tags'> {
  const [, target] = /<([^<>]*)>\s*;[^,]*\brel="?next"?/.exec(link.slice(0, maxLink)) ?? []
  if (target === undefined) return { isCut: link.length > maxLink }
  const query = URL.parse(target, href)?.searchParams ?? new URLSearchParams()
  const next = readTagPage(query)
  if (next === undefined || (next.last ?? next.nextPage) === undefined) return { isCut: true }
  // After a tag there is nothing else to say (OCI distribution-spec v1.1, "Listing Tags"); beside other words there may be.
  const isAfterTag = next.nextPage === undefined && tagName.safeParse(next.last).success
  const isAll = [...query.keys()].every((key) => ['n', 'last', 'next_page'].includes(key))
  return isAfterTag || isAll ? { next, isCut: false } : { isCut: true }
}
