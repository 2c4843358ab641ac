import type { Entry } from '../entry.ts'

export const policy = {
  POLICY_RULES_EMPTY: { title: 'The policy requires nothing', exit: 2 },
  POLICY_RULE_SHAPE: { title: 'An entry of `require` is not exactly one rule', exit: 2 },
  POLICY_RULE_UNKNOWN: { title: 'The policy names a rule that does not exist', exit: 2 },
  POLICY_AMBIGUOUS: { title: 'Two policies own the same target', exit: 2 },
  POLICY_NAME_DUPLICATE: { title: 'Two policies have the same name', exit: 2 },
  POLICY_MISSING: { title: 'No policy owns the target', exit: 2 },
  POLICY_SIGNER_UNKNOWN: {
    title: 'A rule names a signer that the trust file does not know',
    exit: 2,
  },
  POLICY_SIGNER_ROLE: { title: 'A rule names a signer that can never satisfy it', exit: 2 },
  POLICY_LEVEL_UNREACHABLE: { title: 'No named signer may claim the level', exit: 2 },
  POLICY_EXEMPTION: { title: 'An exemption does not name exactly one rule', exit: 2 },
  POLICY_VERIFIER: { title: 'No named signer may speak for the verifier', exit: 2 },
  POLICY_CHAIN: { title: 'A rule about the source needs a rule about the build', exit: 2 },
  POLICY_COUNT_UNREACHABLE: { title: 'The named signers are too few owners', exit: 2 },
  POLICY_AUDIT_END: { title: 'The policy ends an audit that it does not do', exit: 2 },
  POLICY_TARGETS: { title: 'A list of targets cannot be read', exit: 2 },
  POLICY_META_EMPTY: { title: 'The meta-policy demands nothing', exit: 2 },
  POLICY_META_MISSING: { title: 'The policy lacks a rule that a meta-policy demands', exit: 2 },
  POLICY_META_WEAK: { title: 'A rule demands less than a meta-policy wants', exit: 2 },
  POLICY_META_FORBIDDEN: { title: 'The policy does what a meta-policy forbids', exit: 2 },
} as const satisfies Record<string, Entry>
