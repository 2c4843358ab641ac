import { type Lint, rulesOf } from '../lint.ts'

export const notHermetic: Lint = {
  code: 'LINT_NOT_HERMETIC',
  severity: 'warning',
  entries: ['LNT-21'],
  why: 'A build with a network, or on a machine that remembers the last build, may have used anything. Its provenance lists what somebody thought of, which is a weak claim.',
  find: ({ policies }) =>
    policies.policies.flatMap((policy) => {
      const [built] = rulesOf(policy, 'built')
      if (built === undefined || rulesOf(policy, 'hermetic', 'reproduced').length > 0) return []
      return [
        {
          where: built.bound.place.at(),
          expected: 'a rule that asks for isolation or reproduction: hermetic or reproduced',
          found: `"built" by ${built.bound.parameters.by.join(', ')} alone`,
          fix: `Add \`- hermetic: {by: [${built.bound.parameters.by.join(', ')}]}\` to "require" in ${policy.file}, where these builders isolate; else \`reproduced\``,
        },
      ]
    }),
}
