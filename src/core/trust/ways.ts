import type { Signer, TrustedIdentity, TrustedKey, TrustedName } from './trust.ts'

/** One of the things that a signer goes by. */
export type Way = TrustedKey | TrustedIdentity | TrustedName

/** Everything that a signer goes by: its keys, its "keyless" identities, and its names at private authorities. */
export function waysOf({ keys, identities, certificates }: Signer): readonly Way[] {
  return [...keys, ...identities, ...certificates]
}

/** Who holds what the signers go by: the people that a count or a threshold can find among them. */
export function holdersOf(signers: Iterable<Signer>): ReadonlySet<string> {
  return new Set([...signers].flatMap(waysOf).map(({ owner }) => owner))
}
