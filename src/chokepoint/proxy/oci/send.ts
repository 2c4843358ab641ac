import { once } from 'node:events'
import type { ServerResponse } from 'node:http'

export const common = { 'docker-distribution-api-version': 'registry/2.0' } as const

/** Sends what is small and whole. For HEAD, Node leaves the body out. */
export function sendBytes(
  response: ServerResponse,
  bytes: Uint8Array,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(200, { ...common, ...headers, 'content-length': bytes.length })
  response.end(bytes)
}

/**
 * Sends a stream; its head goes out with the first bytes, so that what fails before is told properly. What fails later
 * throws, and the connection has to be cut.
 */
export async function sendStream(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  {
    status,
    headers,
  }: { readonly status: number; readonly headers: Readonly<Record<string, string>> },
): Promise<void> {
  for await (const chunk of chunks) {
    if (response.destroyed) return
    if (!response.headersSent) response.writeHead(status, { ...common, ...headers })
    if (!response.write(chunk)) await drained(response)
  }
  if (!response.headersSent) response.writeHead(status, { ...common, ...headers })
  response.end()
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return
  const over = new AbortController()
  const { signal } = over
  try {
    await Promise.race([once(response, 'drain', { signal }), once(response, 'close', { signal })])
  } catch (error) {
    if (!response.destroyed) throw error
  } finally {
    over.abort()
  }
}
