import type { IncomingMessage } from 'node:http'
import { quote, SallyportError } from '#error'

/** A path and perhaps a query: nothing that a proxy in front might take for another host, or end somewhere else. */
const originForm = /^\/[\x21-\x7e]*$/
const oddities = /[#\\]/
const dots = /\/(?:\.|%2e){1,2}(?:\/|$)/i
const hostName = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9a-fA-F:.]{2,45}\])(?::\d{1,5})?$/
/** Of these the first counts for Node, and the last or all of them for others. */
const once = new Set(['host', 'authorization', 'content-type'])

/**
 * Refuses what two servers could read in two ways, beyond what the parser refuses (RFC 9112 §3): whoever stands in front
 * of the gate may have decided about the other reading.
 *
 * @throws SallyportError REQUEST_PARAMETER
 */
export function checkHead(request: IncomingMessage): void {
  const { httpVersion, url = '' } = request
  if (!/^1\.[01]$/.test(httpVersion)) {
    throw wrong('version', 'HTTP/1.1', `HTTP/${quote(httpVersion)}`)
  }
  const [path = ''] = url.split('?', 1)
  if (!originForm.test(url) || oddities.test(url) || dots.test(path)) {
    throw wrong('request target', 'a path, without dots as a part of it', quote(url, 100))
  }
  checkHeaders(request)
}

function checkHeaders({ httpVersion, headers: { host }, rawHeaders }: IncomingMessage): void {
  const seen = new Set<string>()
  // Name and value take turns.
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]?.toLowerCase() ?? ''
    if (!once.has(name)) continue
    if (seen.has(name)) throw wrong(`header ${name}`, 'one', 'more')
    seen.add(name)
  }
  // HTTP/1.0 knows no Host, and health checks still speak it.
  if (host === undefined && httpVersion === '1.0') return
  if (!hostName.test(host ?? '')) {
    throw wrong('header host', 'the name of a host', quote(host ?? '', 100))
  }
}

function wrong(where: string, expected: string, found: string): SallyportError {
  return new SallyportError({
    code: 'REQUEST_PARAMETER',
    where,
    expected,
    found,
    fix: `Correct the ${where} of the request; each header of this kind is sent once`,
  })
}
