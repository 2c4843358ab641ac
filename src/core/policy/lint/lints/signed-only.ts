import { type Lint, rulesOf } from '../lint.ts'

const provenanceRules = ['built', 'verified', 'minimumLevel', 'reproduced']

export const signedOnly: Lint = {
  code: 'LINT_SIGNED_ONLY',
  severity: 'warning',
  entries: ['LNT-01'],
  why: 'A signature says that somebody signed these bytes, not where they come from. Whoever gets the key, or the machine that uses it, signs anything; nothing in the policy would notice another repository, branch or builder.',
  find: ({ policies }) =>
    policies.policies.flatMap((policy) => {
      const [signed] = rulesOf(policy, 'signed')
      if (signed === undefined || rulesOf(policy, ...provenanceRules).length > 0) return []
      return [
        {
          where: signed.bound.place.at(),
          expected:
            'a rule that asks how the artifact was built: built, verified, minimumLevel or reproduced',
          found: `"signed" by ${signed.bound.parameters.by.join(', ')}, and none of them`,
          fix: `Add \`- built: {by: […], from: git+https://…}\` to "require" in ${policy.file}`,
        },
      ]
    }),
}
