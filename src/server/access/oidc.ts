import { decodeJwt, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose'
import type { Slot } from '../slots.ts'
import { openIssuerKeys } from './issuer-keys.ts'
import type { Principal, Role } from './principal.ts'
import type { OidcGrant, OidcIssuer } from './settings.ts'

/** Signatures only: a shared secret would let every verifier make tokens. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA']
const toleranceSeconds = 30

/** `slot` is the place of the request, which others may have while keys are fetched. */
export type OidcLookup = (
  token: string,
  now: Date,
  slot?: Pick<Slot, 'yield' | 'take'>,
) => Promise<Principal | undefined>

/**
 * Verifies OpenID Connect ID tokens, and tokens that machines get in the same form (Kubernetes, GitHub, GitLab, SPIFFE).
 * Rejects when the keys of an issuer cannot be fetched: that is an outage, and not a "no".
 */
export function openOidc(issuers: readonly OidcIssuer[]): OidcLookup {
  const known = issuers.map((issuer) => ({ issuer, keys: openIssuerKeys(issuer) }))
  return async (token, now, slot) => {
    const named = issuerOf(token)
    // One issuer may stand there several times, with an audience each.
    for (const { issuer, keys } of known.filter((one) => one.issuer.issuer === named)) {
      const payload = await verify(token, issuer, keys(slot), now)
      const principal = payload && principalOf(payload, issuer)
      if (principal !== undefined) return principal
    }
    return undefined
  }
}

/** The issuer that a token names, verified or not; empty for one that names none. */
export function issuerOf(token: string): string {
  try {
    const issuer: unknown = decodeJwt(token).iss
    return typeof issuer === 'string' ? issuer : ''
  } catch {
    return ''
  }
}

async function verify(
  token: string,
  { issuer, audience }: OidcIssuer,
  keys: JWTVerifyGetKey,
  now: Date,
): Promise<JWTPayload | undefined> {
  try {
    const { payload } = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms,
      clockTolerance: toleranceSeconds,
      requiredClaims: ['exp', 'sub', 'aud'],
      currentDate: now,
    })
    return isIssued(payload, now) ? payload : undefined
  } catch (error) {
    if (isOutage(error)) throw error
    return undefined
  }
}

/** A token of the future was made by a clock that is wrong, or to be kept. */
function isIssued({ iat }: JWTPayload, now: Date): boolean {
  return iat === undefined || iat <= now.getTime() / 1000 + toleranceSeconds
}

const outages = new Set(['ERR_JWKS_TIMEOUT', 'ERR_JWKS_INVALID', 'ERR_JOSE_GENERIC'])

function isOutage(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return typeof code !== 'string' || outages.has(code) || !code.startsWith('ERR_J')
}

function principalOf(payload: JWTPayload, { issuer, grants }: OidcIssuer): Principal | undefined {
  // Whatever is no text has many spellings in a name, or one for many.
  const sub: unknown = payload.sub
  const fitting = grants.filter((grant) => fits(payload, grant))
  if (typeof sub !== 'string' || sub === '' || !sub.isWellFormed()) return undefined
  if (fitting.length === 0) return undefined
  const roles = new Set<Role>(fitting.flatMap((grant) => grant.roles))
  return {
    name: `oidc:${issuer}#${sub}`,
    roles,
    grants: fitting.map(({ claims }) => ({ issuer, claims })),
  }
}

function fits(payload: JWTPayload, { claims }: OidcGrant): boolean {
  return Object.entries(claims).every(([name, wanted]) => {
    const value = Object.hasOwn(payload, name) ? payload[name] : undefined
    return Array.isArray(value) ? value.includes(wanted) : value === wanted
  })
}
