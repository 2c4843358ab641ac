import { isBefore } from '#document'
import { quote, type Problem } from '#error'
import { isSignedBy, layoutKeyOf, layoutType, openMetadata, type LayoutKey } from '#layout'
import type { Signer, TrustedKey } from '#trust'
import { earliest } from '../judge-each.ts'
import type { RuleContext } from '../rule.ts'

/** Those who must have signed a layout. */
export interface Owners {
  readonly signers: readonly Signer[]
}

/** Finds the owners in the trust file: each must be there, and be one who may sign layouts. */
export function findOwners(
  names: readonly string[],
  { trust, place }: RuleContext,
): Owners | { readonly problems: readonly Problem[] } {
  const signers = names.flatMap((name) => trust.signers.get(name) ?? [])
  const problems = names.flatMap((name): readonly Problem[] => {
    const signer = trust.signers.get(name)
    if (signer?.predicateTypes.has(layoutType) === true) return []
    const found = quote(name, 80)
    return [
      {
        code: signer === undefined ? 'POLICY_SIGNER_UNKNOWN' : 'POLICY_SIGNER_ROLE',
        where: place.at('signedBy'),
        expected: `a signer of ${trust.file} that may sign ${quote(layoutType)}`,
        found: signer === undefined ? found : `${found}, which may not`,
        fix: `Add ${quote(layoutType)} to "predicateTypes" of ${found} in ${trust.file} if it owns layouts, or name the owners in "signedBy"`,
      },
    ]
  })
  return problems.length === 0 ? { signers } : { problems }
}

/** Keys that have signed a layout, enough for each owner, and until when they are believed. */
export interface Signed {
  readonly keys: readonly LayoutKey[]
  readonly end?: Date
}

/**
 * Finds the keys of each owner that have signed and may be believed now, as many different people as the trust file
 * asks for.
 *
 * @throws SallyportError when the layout cannot be read
 */
export function keysThatSigned(
  layout: Uint8Array,
  { signers }: Owners,
  context: RuleContext,
): Signed | { readonly problems: readonly Problem[] } {
  const metadata = openMetadata(layout, 'layout')
  const all = signers.map((signer) => {
    const good = signer.keys.flatMap((trusted) => {
      const key = isUsable(trusted, context.now) ? layoutKeyOf(trusted) : undefined
      return key !== undefined && isSignedBy(metadata, key, context.now) ? [{ trusted, key }] : []
    })
    return { signer, good }
  })
  const short = all.filter(
    ({ signer, good }) => new Set(good.map(({ trusted }) => trusted.owner)).size < signer.threshold,
  )
  if (short.length > 0) return { problems: short.map(({ signer }) => notSigned(signer)) }
  const good = all.flatMap((one) => one.good)
  const end = earliest(
    ...good.flatMap(({ trusted: { validUntil, retired } }) => [validUntil, retired]),
  )
  return { keys: good.map(({ key }) => key), ...(end === undefined ? {} : { end }) }
}

/** A layout carries no time that others vouch for: a key counts while it is in use, and not once others may have it. */
function isUsable(trusted: TrustedKey, now: Date): boolean {
  const { scheme, validFrom, validUntil, retired, compromisedSince } = trusted
  if (scheme === 'ml-dsa-44' || compromisedSince !== undefined || isBefore(now, validFrom))
    return false
  return [validUntil, retired].every((end) => end === undefined || isBefore(now, end))
}

function notSigned({ name, threshold, where }: Signer): Problem {
  return {
    code: 'LAYOUT_SIGNATURE',
    where: 'layout',
    expected: `good signatures by ${threshold} ${threshold === 1 ? 'owner' : 'owners'} of keys of ${name} (${where})`,
    found: 'fewer, or by keys that are not in use now',
    fix: `Have ${name} sign the layout with a key that the trust file lists and that is in use`,
  }
}
