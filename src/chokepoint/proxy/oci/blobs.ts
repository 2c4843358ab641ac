import { createReadStream } from 'node:fs'
import type { Target } from '#policy'
import type { BlobCache } from './blob-cache.ts'
import { checked } from './checked-stream.ts'
import type { Call } from './context.ts'
import type { Refusal } from './errors.ts'
import type { Part } from './manifest.ts'
import { judge, type Judged } from './manifests.ts'
import type { Place } from './route.ts'

/**
 * Says how large a blob is that may be handed out: one that is a part of a manifest that is let through. When the last
 * decision about that manifest is too old, was made under other policies, or by a process that is no more, it is decided
 * again, from the manifest's own bytes.
 */
export async function reachable(
  place: Place,
  sha256: string,
  target: Target,
  call: Call,
): Promise<Part | Refusal> {
  const images = call.hints.of(place.name, sha256)
  const key = { requester: call.requester, repository: place.name }
  const known = images.map(({ parent }) => call.allowed.part({ ...key, sha256: parent }, sha256))
  const fresh = known.find((part) => part !== undefined)
  if (fresh !== undefined) return fresh
  let last: Refusal | undefined
  for (const { parent } of images) {
    const judged = await judge(place, `sha256:${parent}`, target, call)
    const answer = judged && partOf(judged, sha256)
    if (answer !== undefined && 'size' in answer) return answer
    last = answer ?? last
  }
  return last ?? unknown(place, sha256)
}

/** What the manifest itself says, however it was found. */
function partOf(judged: Judged | Refusal, sha256: string): Part | Refusal | undefined {
  if ('status' in judged) return judged
  if (judged.refusal !== undefined) return judged.refusal
  const { kind, parts } = judged.manifest
  return kind === 'image' ? parts.find((one) => one.sha256 === sha256) : undefined
}

/** The bytes of a blob for one client, compared with its digest while they pass: from this disk, else from the registry. */
export async function openBlob(
  place: Place,
  part: Part,
  call: Call,
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const found = await call.cache.find(part.sha256)
  if (found !== undefined) return fromDisk(found.path, part, call)
  const source = await openSource(place, part, call)
  return source && kept(source, part, { from: hostOf(place, call), cache: call.cache })
}

/** Room is taken when the first is asked for: what nobody reads, because the client has gone, would never give it back. */
async function* kept(
  source: AsyncIterable<Uint8Array>,
  part: Part,
  { from, cache }: { readonly from: string; readonly cache: BlobCache },
): AsyncGenerator<Uint8Array> {
  yield* checked(source, part, { from, keeper: await cache.keeper(part.sha256, part.size) })
}

/** What the registry sends, compared with nothing. It is over when the client has had its time, too. */
export async function openSource(
  { upstream, repository }: Place,
  { sha256, size }: Part,
  { registries, gone }: Call,
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  return registries.get(upstream)?.upstream.repository(repository, gone).blob(sha256, size)
}

/** Of the registry that is spoken to. */
export function hostOf({ upstream }: Place, { registries }: Call): string {
  return registries.get(upstream)?.registry ?? upstream
}

/** What has rotted on this disk is thrown away, and the next one who asks gets it from the registry. */
export async function* fromDisk(path: string, part: Part, call: Call): AsyncGenerator<Uint8Array> {
  try {
    yield* checked(createReadStream(path), part, { from: 'the cache of the proxy' })
  } catch (error) {
    await call.cache.drop(part.sha256)
    throw error
  }
}

export function unknown({ name }: Place, sha256: string): Refusal {
  const problem = {
    code: 'PROXY_BLOB',
    where: `${name}@sha256:${sha256}`,
    expected: 'a blob of an image that was let through here',
    found: 'one that no such image lists',
    fix: 'Pull the image anew through this gate, its manifest before its blobs; where there are several gates, keep each client at one of them',
  } as const
  const message = `${problem.code}: ${problem.expected}, found ${problem.found}; fix: ${problem.fix}`
  return { status: 404, code: 'BLOB_UNKNOWN', message, problems: [problem] }
}
