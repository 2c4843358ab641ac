import { createReadStream } from 'node:fs'
import { SallyportError } from '#error'
import { openBlob, reachable, unknown } from './blobs.ts'
import type { Call, Filled } from './context.ts'
import type { Refusal } from './errors.ts'
import type { Part } from './manifest.ts'
import { assigned } from './manifests.ts'
import { rangeOf, type Range } from './range.ts'
import type { Place } from './route.ts'
import { common, sendStream } from './send.ts'

/** Answers for a blob, whole or in part. */
export async function serveBlob(
  place: Place,
  sha256: string,
  call: Call,
): Promise<Refusal | undefined> {
  const target = await assigned(place, call)
  if ('status' in target) return target
  const part = await reachable(place, sha256, target, call)
  if ('status' in part) return part
  if (call.request.method !== 'HEAD') return sendBlob(place, part, call)
  call.response.writeHead(200, { ...headersOf(part), 'content-length': part.size }).end()
  return undefined
}

async function sendBlob(place: Place, part: Part, call: Call): Promise<Refusal | undefined> {
  const { request, response } = call
  const range = rangeOf(request.headers.range, part.size)
  if (range === 'unsatisfiable') {
    response.writeHead(416, { ...common, 'content-range': `bytes */${part.size}` }).end()
    return undefined
  }
  if (range !== undefined && part.size <= call.cache.maxBytes) {
    const served = await servePart(place, part, range, call)
    if (served !== 'not kept') return served
  }
  const chunks = await openBlob(place, part, call)
  if (chunks === undefined) return unknown(place, part.sha256)
  const whole = { ...headersOf(part), 'content-length': String(part.size) }
  await sendStream(response, chunks, { status: 200, headers: whole })
  return undefined
}

// A part has no digest of its own: the whole is fetched and compared first, and the part is read from this disk.
async function servePart(
  place: Place,
  part: Part,
  { start, end }: Range,
  call: Call,
): Promise<Refusal | 'not kept' | undefined> {
  // Until then there is nothing to send.
  call.response.setTimeout(0)
  const filled = await fill(place, part, call)
  if (filled === 'gone') return undefined
  if (filled === 'unknown') return unknown(place, part.sha256)
  call.response.setTimeout(call.limits.stallMs)
  const found = await call.cache.find(part.sha256)
  if (found === undefined) return 'not kept'
  const headers = {
    ...headersOf(part),
    'content-length': String(end - start + 1),
    'content-range': `bytes ${start}-${end}/${part.size}`,
  }
  const read: AsyncIterable<Buffer> = createReadStream(found.path, { start, end })
  await sendStream(call.response, read, { status: 206, headers })
  return undefined
}

/** Fetches or compares the whole, once for all who want parts of it at the same time, and until the last has gone. */
function fill(place: Place, part: Part, call: Call): Promise<Filled | 'gone'> {
  const key = `${place.name}@${part.sha256}`
  return call.filling.wait(key, call.gone, (gone) => fetchWhole(place, part, { ...call, gone }))
}

async function fetchWhole(place: Place, part: Part, call: Call): Promise<Filled> {
  try {
    const chunks = await openBlob(place, part, call)
    if (chunks === undefined) return 'unknown'
    for await (const _ of chunks) call.gone.throwIfAborted()
    return 'done'
  } catch (error) {
    // Whoever still waits then has waited for as long as it may take.
    throw call.gone.aborted ? tooSlow(place, part, call, error) : error
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

function headersOf({ sha256 }: Part): Readonly<Record<string, string>> {
  return {
    ...common,
    'content-type': 'application/octet-stream',
    'docker-content-digest': `sha256:${sha256}`,
    'accept-ranges': 'bytes',
    etag: `"sha256:${sha256}"`,
  }
}
