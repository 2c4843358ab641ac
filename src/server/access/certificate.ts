import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'
import type { Principal } from './principal.ts'
import type { CertificateGrant } from './settings.ts'

/**
 * Whose client certificate this is. One that no authority of the configuration has signed is nobody's, and so is one that
 * has ended since its connection began.
 */
export function findCertificate(
  request: IncomingMessage,
  grants: readonly CertificateGrant[],
  now: Date,
): Principal | undefined {
  const { socket } = request
  if (grants.length === 0 || !isTls(socket) || !socket.authorized) return undefined
  if (isOfAnotherSite(request)) return undefined
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined || certificate.validToDate <= now) return undefined
  const names = new Set([
    ...alternativeNames(certificate.subjectAltName),
    ...commonNames(certificate.subject),
  ])
  const grant = grants.find(({ subject }) => names.has(subject))
  return grant && { name: `certificate:${grant.subject}`, roles: new Set(grant.roles) }
}

/**
 * A browser shows its certificate with whatever a page of somebody else has it send, and says so: `Origin` with all that
 * could change something, `Sec-Fetch-Site` with everything.
 */
function isOfAnotherSite({ headers }: IncomingMessage): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site'] ?? 'none'
  if (site !== 'none' && site !== 'same-origin') return true
  return origin !== undefined && URL.parse(origin)?.host !== host
}

function isTls(socket: IncomingMessage['socket']): socket is TLSSocket {
  return 'authorized' in socket
}

// Node writes names that hold a comma or quote as JSON strings; whoever has such a name is not found, and not mistaken.
function alternativeNames(text: string | undefined): readonly string[] {
  if (text === undefined || text.includes('"')) return []
  return text.split(', ').flatMap((entry) => /^(?:URI|DNS):(.+)$/.exec(entry)?.[1] ?? [])
}

function commonNames(subject: string): readonly string[] {
  const lines = subject.split('\n').filter((line) => line.startsWith('CN='))
  return lines.length === 1 ? lines.map((line) => line.slice('CN='.length)) : []
}
