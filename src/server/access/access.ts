import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import { quote, SallyportError, type Problem } from '#error'
import { slotOf } from '../slots.ts'
import { findToken } from './bearer.ts'
import { findCertificate } from './certificate.ts'
import { issuerOf, openOidc, type OidcLookup } from './oidc.ts'
import type { Principal, Role } from './principal.ts'
import type { AccessSettings } from './settings.ts'

/** Finds out who asks, and refuses who may not. */
export interface Access {
  /**
   * @throws SallyportError ACCESS_UNAUTHENTICATED when nobody is proven; ACCESS_FORBIDDEN when who is has none of `roles`;
   *   SERVER_UNAVAILABLE when it cannot be told now
   */
  require(request: IncomingMessage, roles: readonly Role[]): Promise<Principal>
}

/** Somebody who was refused: what was asked, and by whom, as far as that was proven. It never holds what they sent to prove it. */
export interface RefusedAccess {
  readonly code: 'ACCESS_UNAUTHENTICATED' | 'ACCESS_FORBIDDEN'
  readonly status: 401 | 403
  readonly method: string
  /** As it is counted in metrics: never what whoever asks has chosen. */
  readonly route: string
  /** Of the other end of the connection. */
  readonly address: string
  /** Whether they sent anything to prove who they are: a header, a certificate. */
  readonly offered: boolean
  /** Who has been proven, without the role that is needed. */
  readonly name?: string
}

export interface AccessOptions {
  /** How the request is counted. */
  readonly routeOf: (url: string) => string
  /** Told of everybody who is refused. MUST NOT throw. */
  readonly onRefused: (refused: RefusedAccess) => void
}

const maxToken = 16 * 1024

export function openAccess(
  settings: AccessSettings,
  clock: () => Date,
  options?: AccessOptions,
): Access {
  const oidc = openOidc(settings.oidc)
  const identify = async (request: IncomingMessage): Promise<Principal | undefined> => {
    const token = bearerOf(request)
    const now = clock()
    if (token === undefined) return findCertificate(request, settings.certificates, now)
    return (
      findToken(token, settings.tokens, now) ??
      (await askIssuer(oidc, token, { now, fix: issuerFix, slot: slotOf(request) }))
    )
  }
  return {
    async require(request, roles) {
      const principal = await identify(request)
      if (principal === undefined) {
        options?.onRefused(refusedOf(request, options))
        throw new SallyportError(ofStranger(request, settings) ?? unknown(settings))
      }
      if (roles.some((role) => principal.roles.has(role))) return principal
      options?.onRefused(refusedOf(request, options, principal.name))
      throw new SallyportError(forbidden(principal, roles))
    },
  }
}

/** Who was refused at a request; with a name, because of a role. */
export function refusedOf(
  { method = '', url = '', socket, headers }: IncomingMessage,
  { routeOf }: Pick<AccessOptions, 'routeOf'>,
  name?: string,
): RefusedAccess {
  const isCertified = socket instanceof TLSSocket && socket.getPeerX509Certificate() !== undefined
  const offered = headers.authorization !== undefined || isCertified
  const at = { method, route: routeOf(url), address: socket.remoteAddress ?? '', offered }
  return name === undefined
    ? { code: 'ACCESS_UNAUTHENTICATED', status: 401, ...at }
    : { code: 'ACCESS_FORBIDDEN', status: 403, ...at, name }
}

const issuerFix = 'Ask again; if it stays so, make the issuer reachable for the gate'

/**
 * Whom a token of an issuer proves; undefined when it proves nobody. `fix` is for whoever cannot be answered.
 *
 * @throws SallyportError SERVER_UNAVAILABLE when the keys of the issuer cannot be had; SERVER_BUSY
 */
export async function askIssuer(
  oidc: OidcLookup,
  token: string,
  {
    now,
    fix,
    slot,
  }: {
    readonly now: Date
    readonly fix: string
    readonly slot?: Parameters<OidcLookup>[2]
  },
): Promise<Principal | undefined> {
  try {
    return await oidc(token, now, slot)
  } catch (cause) {
    // There was no place any more for who had waited.
    if (cause instanceof SallyportError) throw cause
    throw new SallyportError(
      {
        code: 'SERVER_UNAVAILABLE',
        where: 'access.oidc',
        expected: 'the keys of the issuer of this token',
        found: cause instanceof Error ? cause.message.slice(0, 200) : 'an error',
        fix,
      },
      { cause },
    )
  }
}

function bearerOf({ headers }: IncomingMessage): string | undefined {
  const { authorization } = headers
  if (authorization === undefined || authorization.length > maxToken) return undefined
  return /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization)?.[1]
}

/** What a token says itself helps whoever has it: an issuer is one only if it is written as its tokens write it. */
function ofStranger(request: IncomingMessage, { oidc }: AccessSettings): Problem | undefined {
  const named = oidc.length === 0 ? '' : issuerOf(bearerOf(request) ?? '')
  if (named === '' || oidc.some(({ issuer }) => issuer === named)) return undefined
  return {
    code: 'ACCESS_UNAUTHENTICATED',
    where: 'request',
    expected: 'a token of an issuer that "access.oidc" names',
    found: `one of ${quote(named)}`,
    fix: 'Send a token of an issuer that the gate knows; if it should know this one, the operator names it letter for letter as here, with or without "/" at its end',
  }
}

function unknown({ certificates, oidc, tokens }: AccessSettings): Problem {
  const ways = [
    ...(tokens.length + oidc.length > 0 ? ['a bearer token'] : []),
    ...(certificates.length > 0 ? ['a client certificate'] : []),
  ]
  return {
    code: 'ACCESS_UNAUTHENTICATED',
    where: 'request',
    expected: ways.length === 0 ? 'somebody to be named under "access"' : ways.join(' or '),
    found: 'none that is valid',
    fix: 'Send a token that is valid now as "Authorization: Bearer …", or ask the operator of the gate for one',
  }
}

function forbidden({ name, roles }: Principal, wanted: readonly Role[]): Problem {
  return {
    code: 'ACCESS_FORBIDDEN',
    where: name,
    expected: `the role ${wanted.join(' or ')}`,
    found: [...roles].join(', ') || 'no role',
    fix: `Ask the operator of the gate to give ${name} the role ${wanted[0]} under "access"`,
  }
}
