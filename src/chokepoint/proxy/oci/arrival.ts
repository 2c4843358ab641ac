import { SallyportError } from '#error'
import { fromDisk, hostOf, openBlob, openSource } from './blobs.ts'
import { checked } from './checked-stream.ts'
import type { Call, Filled } from './context.ts'
import type { Growing } from './growing.ts'
import type { Part } from './manifest.ts'
import type { Place } from './route.ts'
import type { Shared } from './shared-work.ts'

/**
 * Fetches a blob into the cache, or compares what is there: once for all who want it at the same time, and until the last of
 * them has gone. Tells of its file while that is written.
 */
export function arrival(place: Place, part: Part, call: Call): Shared<Growing, Filled> {
  const key = `${place.name}@${part.sha256}`
  return call.filling.join(key, call.gone, (gone, tell) =>
    fetchWhole(place, part, { ...call, gone }, tell),
  )
}

/**
 * The bytes of a blob, compared with its digest while they pass: from this disk, from what is fetched for others already, or
 * from the registry. Undefined when that has none, or the client has gone.
 */
export async function openWhole(
  place: Place,
  part: Part,
  call: Call,
): Promise<AsyncGenerator<Uint8Array> | undefined> {
  const { cache } = call
  const found = await cache.find(part.sha256)
  if (found !== undefined) return fromDisk(found.path, part, call)
  if (part.size > cache.maxBytes) return openBlob(place, part, call)
  const shared = arrival(place, part, call)
  const growing = await shared.early
  if (growing !== undefined) {
    return checked(follow(growing, shared, { place, part, call }), part, {
      from: hostOf(place, call),
    })
  }
  const filled = await shared.result
  return filled === 'done' || filled === 'unkept' ? openBlob(place, part, call) : undefined
}

/**
 * Ends when the whole is kept, and no sooner: the last who has all would go, and end the fetch before that. What this disk
 * loses meanwhile is fetched for this client alone: the digest is that of all it gets.
 */
async function* follow(
  growing: Growing,
  { result }: Shared<Growing, Filled>,
  { place, part, call }: { readonly place: Place; readonly part: Part; readonly call: Call },
): AsyncGenerator<Uint8Array> {
  let seen = 0
  for await (const chunk of growing.read()) {
    seen += chunk.length
    yield chunk
  }
  if (seen === part.size) return
  // Where it was not the disk, this says what it was.
  if ((await result) === 'gone') return
  let skipped = 0
  for await (const chunk of (await openBlob(place, part, call)) ?? []) {
    const known = Math.min(seen - skipped, chunk.length)
    skipped += known
    yield chunk.subarray(known)
  }
}

async function fetchWhole(
  place: Place,
  part: Part,
  call: Call,
  tell: (growing: Growing) => void,
): Promise<Filled> {
  const { sha256, size } = part
  const { cache, gone } = call
  try {
    const found = await cache.find(sha256)
    if (found !== undefined) {
      for await (const _ of fromDisk(found.path, part, call)) gone.throwIfAborted()
      return 'done'
    }
    const source = await openSource(place, part, call)
    if (source === undefined) return 'unknown'
    const keeper = await cache.keeper(sha256, size)
    const { growing } = keeper
    if (growing !== undefined) tell(growing)
    for await (const _ of checked(source, part, { from: hostOf(place, call), keeper })) {
      if (growing === undefined || growing.isCut) return 'unkept'
    }
    return 'done'
  } catch (error) {
    // Whoever still waits then has waited for as long as it may take.
    throw gone.aborted ? tooSlow(place, part, call, error) : error
  }
}

function tooSlow(
  { upstream, name }: Place,
  { sha256 }: Part,
  { limits }: Call,
  cause: unknown,
): SallyportError {
  return new SallyportError(
    {
      code: 'PROXY_UPSTREAM',
      where: upstream,
      expected: `${name}@sha256:${sha256}, whole, within ${limits.blobMs / 1000} seconds`,
      found: 'a part of it',
      fix: 'Ask again; if it happens again, raise proxies.oci.limits.blobSeconds',
    },
    { cause },
  )
}
