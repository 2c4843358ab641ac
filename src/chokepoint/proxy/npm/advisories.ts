import { gunzipSync } from 'node:zlib'
import { encodeCanonical, parseJson, type Json } from '#document'
import { SallyportError } from '#error'
import { bindingOf } from './binding.ts'
import { parsePackageName } from './name.ts'
import { objectOf } from './packument.ts'
import type { NpmProxyPorts } from './ports.ts'
import type { NpmProxySettings } from './settings.ts'
import { upstreamFailed } from './upstream.ts'

/** Of a question, before and after decompression. */
export const maxQuestionBytes = 4 * 1024 * 1024
const maxAnswerBytes = 16 * 1024 * 1024

/**
 * Passes `npm audit` on to the upstream, without the names that are bound elsewhere: they are nobody's business there.
 *
 * @throws SallyportError DOCUMENT_*, NPM_UPSTREAM, EVIDENCE_SOURCE_UNAVAILABLE
 */
export async function askAdvisories(
  { body, encoding }: { readonly body: Uint8Array; readonly encoding: string | undefined },
  settings: NpmProxySettings,
  { http }: NpmProxyPorts,
): Promise<string> {
  const { url: registry, authorization } = settings.upstream
  const url = new URL('-/npm/v1/security/advisories/bulk', registry)
  const what = 'security advisories'
  const bytes = encodeCanonical(publicOf(read(body, encoding), settings))
  const answer = await http.send(url, {
    what,
    accept: 'application/json',
    maxBytes: maxAnswerBytes,
    content: { method: 'POST', type: 'application/json', bytes },
    ...(authorization === undefined ? {} : { authorization }),
  })
  if (answer.status !== 200) throw upstreamFailed(url.host, what, `status ${answer.status}`)
  return JSON.stringify(parseJson(answer.body, { what }))
}

function read(body: Uint8Array, encoding: string | undefined): Json {
  const what = 'the packages to be audited'
  return parseJson(encoding === 'gzip' ? gunzip(body, what) : body, {
    what,
    maxBytes: maxQuestionBytes,
    maxDepth: 4,
  })
}

// A few bytes may stand for gigabytes.
function gunzip(body: Uint8Array, what: string): Uint8Array {
  try {
    return gunzipSync(body, { maxOutputLength: maxQuestionBytes })
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'DOCUMENT_SYNTAX',
        where: what,
        expected: `gzip of at most ${maxQuestionBytes} bytes`,
        found: cause instanceof Error ? cause.message.slice(0, 100) : 'something else',
        fix: 'Run `npm audit` with fewer packages, or without the proxy',
      },
      { cause },
    )
  }
}

function publicOf(question: Json, settings: NpmProxySettings): Json {
  const entries = Object.entries(objectOf(question) ?? {}) as [string, Json][]
  const open = entries.filter(([text]) => {
    const name = parsePackageName(text)
    if (name === undefined) return false
    const binding = bindingOf(name, settings)
    return 'registry' in binding && !binding.isBound
  })
  return Object.fromEntries(open)
}
