import type { Decision } from '#decision'
import type { BreakglassTerms } from '#trust'
import type { Rulebook } from '../rulebook.ts'

/** Who may let in what a decision refuses: the policy says so; the trust file only where no policy could answer. */
export function glassTerms(
  {
    policy,
    verdict,
  }: { readonly policy: { readonly name: string } | null; readonly verdict: Decision['verdict'] },
  { policies, trust }: Pick<Rulebook, 'policies' | 'trust'>,
): BreakglassTerms | undefined {
  const decided = policies.policies.find(({ name }) => name === policy?.name)
  return decided?.breakglass ?? (verdict === 'DENY' ? undefined : trust.breakglass)
}
