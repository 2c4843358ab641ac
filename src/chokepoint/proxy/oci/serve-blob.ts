import { createReadStream } from 'node:fs'
import { arrival, openWhole } from './arrival.ts'
import { reachable, unknown } from './blobs.ts'
import type { Call } from './context.ts'
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
  const chunks = await openWhole(place, part, call)
  if (call.gone.aborted) return undefined
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
  const filled = await arrival(place, part, call).result
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

function headersOf({ sha256 }: Part): Readonly<Record<string, string>> {
  return {
    ...common,
    'content-type': 'application/octet-stream',
    'docker-content-digest': `sha256:${sha256}`,
    'accept-ranges': 'bytes',
    etag: `"sha256:${sha256}"`,
  }
}
