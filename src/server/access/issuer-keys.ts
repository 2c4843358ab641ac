import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors } from 'jose'
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose'
import { Pieces } from '#document'
import type { Slot } from '../slots.ts'
import type { OidcIssuer } from './settings.ts'

/** The keys of an issuer, for one request, which takes no place while they are fetched. */
export type IssuerKeys = (slot: Pick<Slot, 'yield' | 'take'> | undefined) => JWTVerifyGetKey

const timeoutMs = 3000
/** Tokens are not proven before there are keys: whoever makes some up must not have an issuer that fails asked with each. */
const pauseMs = 1000
const maxBytes = 512 * 1024

export function openIssuerKeys({ keys }: OidcIssuer): IssuerKeys {
  if ('url' in keys) return remoteKeys(new URL(keys.url))
  const local = createLocalJWKSet(JSON.parse(keys.json) as JSONWebKeySet)
  return () => local
}

function remoteKeys(url: URL): IssuerKeys {
  let local: JWTVerifyGetKey | undefined
  let failed: { readonly at: number; readonly cause: unknown } | undefined
  const remote = createRemoteJWKSet(url, {
    timeoutDuration: timeoutMs,
    [customFetch]: async (address, options) => {
      if (failed !== undefined && performance.now() - failed.at < pauseMs) throw failed.cause
      try {
        const set = parse(await fetchBounded(address, options))
        local = createLocalJWKSet(set)
        return Response.json(set)
      } catch (cause) {
        failed = { at: performance.now(), cause }
        throw cause
      }
    },
  })
  return (slot) => async (header, token) => {
    if (local !== undefined && remote.fresh) {
      try {
        return await local(header, token)
      } catch (error) {
        const isUnknown = error instanceof errors.JWKSNoMatchingKey
        if (!isUnknown || remote.coolingDown) throw error
      }
    }
    slot?.yield()
    try {
      return await remote(header, token)
    } finally {
      slot?.take()
    }
  }
}

/** An issuer has some keys; what is larger is none, and would fill the memory of the gate. Redirects are not followed. */
async function fetchBounded(url: string, options: RequestInit): Promise<string> {
  const { body, status } = await fetch(url, options)
  if (status !== 200 || body === null) {
    await body?.cancel()
    throw new Error(`status ${status}`)
  }
  const pieces = new Pieces()
  for await (const chunk of body as ReadableStream<Uint8Array>) {
    pieces.add(chunk)
    if (pieces.size > maxBytes) throw new Error(`keys of more than ${maxBytes} bytes`)
  }
  return Buffer.from(pieces.whole()).toString()
}

/** Why it is no JSON would tell whoever sends a token what the issuer has answered. */
function parse(text: string): JSONWebKeySet {
  try {
    return JSON.parse(text) as JSONWebKeySet
  } catch {
    throw new Error('an answer that is no JSON')
  }
}
