import { sha256Hex } from '#document'
import type { HttpClient } from '../http/client.ts'
import { authoriseAnybody } from './authorise.ts'
import { manifestTypes, readManifest } from './manifest.ts'
import { registryOf } from './reference.ts'

export interface AnybodyOptions {
  readonly http: HttpClient
  readonly signal: AbortSignal
}

/** What a registry gives to somebody without any credential. */
export interface AnybodyAnswer {
  readonly status: number
  /** Whether it was the manifest: the very one, where a digest was asked for. */
  readonly served: boolean
}

const maxBytes = 4 * 1024 * 1024

/** Asks a registry for a manifest as anybody: with the token that it gives to everybody, where it gives one. */
export async function askAsAnybody(
  address: URL,
  repository: string,
  reference: string,
  { http, signal }: AnybodyOptions,
): Promise<AnybodyAnswer> {
  const url = new URL(`/v2/${repository}/manifests/${reference}`, address)
  const accept = manifestTypes.join(', ')
  const request = { what: `manifest ${reference}`, accept, maxBytes, signal }
  let answer = await http.send(url, request)
  if (answer.status === 401 && answer.url.origin === url.origin) {
    const registry = registryOf(address)
    const asker = { http, registry, repository, actions: 'pull', signal } as const
    const authorization = await authoriseAnybody(answer, asker)
    if (authorization !== undefined) answer = await http.send(url, { ...request, authorization })
  }
  const { status, body } = answer
  return { status, served: status === 200 && isManifest(body, reference) }
}

function isManifest(body: Uint8Array, reference: string): boolean {
  return reference.startsWith('sha256:')
    ? `sha256:${sha256Hex(body)}` === reference
    : readManifest(body) !== undefined
}
