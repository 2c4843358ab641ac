import type { Config } from '#config'
import { readRulebook, type Rulebook } from '../rulebook.ts'
import { named, type Grant } from './grant.ts'
import { grantsHeld } from './held.ts'
import { grantsOfConfig } from './of-config.ts'
import { grantsOfPolicies } from './of-policies.ts'
import { grantsOfTrust } from './of-trust.ts'

/**
 * Every permission that configuration, trust file and policies give, as decisions are made with them.
 *
 * @throws SallyportError FILE_…, DOCUMENT_…, TRUST_…, POLICY_…, RULEBOOK_…, EVIDENCE_CREDENTIALS, WITNESS_POLICY_…
 */
export async function readInventory(
  config: Config,
  options: { readonly now: Date },
): Promise<readonly Grant[]> {
  return await inventoryOf(config, await readRulebook(config, options))
}

/** The same, for a rulebook that has been read. */
export async function inventoryOf(
  config: Config,
  { policies, trust }: Pick<Rulebook, 'policies' | 'trust'>,
): Promise<readonly Grant[]> {
  return named([
    ...(await grantsOfConfig(config)),
    ...grantsOfTrust(trust, policies),
    ...grantsOfPolicies(policies, trust),
    ...(await grantsHeld(config)),
  ])
}
