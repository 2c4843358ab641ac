import type { Decision } from '#decision'
import { isAtOrAfter } from '#document'
import type { BreakglassTerms } from '#trust'
import type { Rulebook } from '../rulebook.ts'

/** Who may let in what a decision refuses, for how long, and what else than its reasons they may waive. */
export interface GlassOffer extends BreakglassTerms {
  /** `deployers`: whoever asks for a grant need not be who deploys. */
  readonly others: readonly string[]
}

/**
 * The policy says who may; the trust file only where no policy could answer. A trust file that is over believes nobody, as for
 * each decision.
 */
export function glassTerms(
  {
    policy,
    verdict,
  }: { readonly policy: { readonly name: string } | null; readonly verdict: Decision['verdict'] },
  { policies, trust }: Pick<Rulebook, 'policies' | 'trust'>,
  now: Date,
): GlassOffer | undefined {
  if (trust.expires !== undefined && isAtOrAfter(now, trust.expires)) return undefined
  const decided = policies.policies.find(({ name }) => name === policy?.name)
  const terms = decided?.breakglass ?? (verdict === 'DENY' ? undefined : trust.breakglass)
  const others = decided?.deployers === undefined ? [] : ['deployers']
  return terms && { ...terms, others }
}
