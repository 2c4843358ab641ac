import { isAtOrAfter, isBefore } from '#document'
import type { Problem } from '#error'
import type { TrustedIdentity, TrustedKey } from './trust.ts'

/** A time at which a signature existed, as somebody other than its signer says. */
export interface TrustedTime {
  readonly at: Date
  /** Who says so. */
  readonly by: string
}

/**
 * Why a key's signature cannot be believed, or undefined when it can: there must be a trusted time t at which the
 * signature existed with validFrom <= t < min(validUntil, retired, compromisedSince). A plain signature carries no
 * trusted time. All that is known is that it exists now, so `now` is the only t there is; and once a compromise is
 * declared not even that helps, because a thief signs today what looks like yesterday.
 */
export function keyProblem(
  key: TrustedKey,
  now: Date,
  times: readonly TrustedTime[] = [],
): Problem | undefined {
  const end = endOf(key)
  const isGoodAt = (time: Date): boolean =>
    isAtOrAfter(time, key.validFrom) && (end === undefined || isBefore(time, end))
  if (times.some(({ at }) => isGoodAt(at))) return undefined
  if (key.compromisedSince !== undefined) return compromised(key, key.compromisedSince)
  if (isGoodAt(now)) return undefined
  return now < key.validFrom ? notYetValid(key, now) : over(key, now)
}

/** When a key that can be believed now stops being so, if nothing changes but the time. */
export function endOf(key: TrustedKey): Date | undefined {
  const ends = [key.validUntil, key.retired, key.compromisedSince].filter(
    (end) => end !== undefined,
  )
  return ends.length === 0 ? undefined : new Date(Math.min(...ends.map(Number)))
}

const noTime =
  'this signature carries no time that anybody but its signer vouches for, so nobody can tell whether it was made before'

function compromised(key: TrustedKey, since: Date): Problem {
  return {
    code: 'KEY_COMPROMISED',
    where: key.where,
    expected: 'a signature by a key that only its owner holds',
    found: `${nameOf(key)}, compromised since ${since.toISOString()}; ${noTime}`,
    fix: `Have ${key.signer} check the artifact and sign again with a new key`,
  }
}

function notYetValid(key: TrustedKey, now: Date): Problem {
  return {
    code: 'KEY_NOT_YET_VALID',
    where: key.where,
    expected: `a key that is valid at ${now.toISOString()}`,
    found: `${nameOf(key)}, valid from ${key.validFrom.toISOString()}`,
    fix: `Wait until then, check this machine's clock, or have ${key.signer} sign with a key that is valid`,
  }
}

function over(key: TrustedKey, now: Date): Problem {
  const { retired, validUntil } = key
  const isRetired = retired !== undefined && now >= retired
  const end = isRetired ? retired : validUntil
  return {
    code: isRetired ? 'KEY_RETIRED' : 'KEY_EXPIRED',
    where: key.where,
    expected: `a key in use at ${now.toISOString()}, or proof that the signature was made earlier`,
    found: `${nameOf(key)}, ${isRetired ? 'retired' : 'valid until'} ${end?.toISOString() ?? ''}; ${noTime}`,
    fix: `Have ${key.signer} sign again with a key that is in use`,
  }
}

function nameOf(key: TrustedKey): string {
  return `key ${key.keyid.slice(0, 16)}… of ${key.signer}`
}

/** Why what an identity signed cannot be believed: none of the trusted times lies where it is to be believed. */
export function identityTimeProblem(
  identity: Pick<
    TrustedIdentity,
    'validFrom' | 'validUntil' | 'compromisedSince' | 'where' | 'signer'
  >,
  times: readonly TrustedTime[],
): Problem | undefined {
  const { validFrom, validUntil, compromisedSince } = identity
  const isGoodAt = ({ at }: TrustedTime): boolean =>
    (validFrom === undefined || isAtOrAfter(at, validFrom)) &&
    (validUntil === undefined || isBefore(at, validUntil)) &&
    (compromisedSince === undefined || isBefore(at, compromisedSince))
  if (times.some(isGoodAt)) return undefined
  const bounds = [
    validFrom === undefined ? '' : `from ${validFrom.toISOString()}`,
    validUntil === undefined ? '' : `until ${validUntil.toISOString()}`,
    compromisedSince === undefined
      ? ''
      : `before ${compromisedSince.toISOString()}, when it was compromised`,
  ].filter((text) => text !== '')
  const [first] = times
  return {
    code: 'IDENTITY_TIME',
    where: identity.where,
    expected: `a signature of this identity of ${identity.signer} ${bounds.join(', ')}`,
    found:
      first === undefined
        ? 'no trusted time'
        : `one at ${first.at.toISOString()}, says ${first.by}`,
    fix: `Have ${identity.signer} check the artifact and sign it again with an identity that is in use`,
  }
}
