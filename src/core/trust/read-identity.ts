import type { Problem } from '#error'
import type { CertificatePin, TrustedIdentity } from './trust.ts'
import type { IdentityEntry } from './trust-schema.ts'

/** Reads one identity; what is wrong with it goes into `problems`. Whether its root exists is asked by `parseTrust`. */
export function readIdentity(
  entry: IdentityEntry & { readonly owner: string },
  signer: string,
  where: string,
  problems: Problem[],
): TrustedIdentity {
  const { issuer, subject, subjectPrefix = '', certificate } = entry
  const identity: TrustedIdentity = {
    signer,
    owner: entry.owner,
    root: entry.root,
    match: subject === undefined ? { issuer, subjectPrefix } : { issuer, subject },
    pins: Object.entries(certificate).map(([name, wanted]) => ({
      // The schema lets no other names through.
      name: name as CertificatePin['name'],
      wanted,
    })),
    ...datesOf(entry),
    where,
  }
  const { validFrom, validUntil } = identity
  if (validFrom !== undefined && validUntil !== undefined && validUntil <= validFrom) {
    problems.push({
      code: 'TRUST_KEY_DATES',
      where,
      expected: `validUntil after validFrom (${validFrom.toISOString()})`,
      found: validUntil.toISOString(),
      fix: 'Correct validUntil or validFrom of this identity; one that was never valid is better removed',
    })
  }
  return identity
}

function datesOf(
  entry: IdentityEntry,
): Pick<TrustedIdentity, 'validFrom' | 'validUntil' | 'compromisedSince'> {
  const { validFrom, validUntil, compromisedSince } = entry
  return {
    ...(validFrom === undefined ? {} : { validFrom: new Date(validFrom) }),
    ...(validUntil === undefined ? {} : { validUntil: new Date(validUntil) }),
    ...(compromisedSince === undefined ? {} : { compromisedSince: new Date(compromisedSince) }),
  }
}
