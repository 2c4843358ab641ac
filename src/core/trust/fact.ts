/** Where a fact comes from: proven by a key, a digest or the trust file, or only said by whoever signed. */
export type Basis = 'authenticated' | 'claimed'

/** One typed value taken from verified evidence. */
export interface Fact {
  readonly name: string
  readonly value: string | number | boolean
  readonly basis: Basis
}

/** A fact that a key, a digest or the trust file proves. */
export function authenticated(name: string, value: Fact['value']): Fact {
  return { name, value, basis: 'authenticated' }
}

/** A fact that is only said: as true as its signer is honest and its builder is sound. */
export function claimed(name: string, value: Fact['value']): Fact {
  return { name, value, basis: 'claimed' }
}
