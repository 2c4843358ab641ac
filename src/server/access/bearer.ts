import { createHash, timingSafeEqual } from 'node:crypto'
import type { Principal } from './principal.ts'
import type { TokenGrant } from './settings.ts'

/** Whose token this is. Every grant is compared, each in constant time, so that time tells nothing. */
export function findToken(
  token: string,
  grants: readonly TokenGrant[],
  now: Date,
): Principal | undefined {
  const presented = createHash('sha256').update(token).digest()
  let found: TokenGrant | undefined
  for (const grant of grants) {
    if (timingSafeEqual(presented, Buffer.from(grant.sha256, 'hex'))) found = grant
  }
  if (found === undefined || found.expires <= now) return undefined
  return { name: `token:${found.name}`, roles: new Set(found.roles) }
}
