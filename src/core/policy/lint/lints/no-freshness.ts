import { type Lint, rulesOf } from '../lint.ts'

/** Parameters by which what was once good stops being good. */
const spans = ['within', 'commit', 'build', 'version']

export const noFreshness: Lint = {
  code: 'LINT_NO_FRESHNESS',
  severity: 'warning',
  entries: ['POL-10', 'POL-11'],
  why: 'An old version with known holes is correctly built, signed and approved, as it was then. Without a rule about age or version it can be deployed again at any time.',
  find: ({ policies }) =>
    policies.policies.flatMap((policy) => {
      const fresh = rulesOf(policy).some(({ parameters }) =>
        spans.some((span) => parameters[span] !== undefined),
      )
      if (fresh || policy.rules.length === 0) return []
      return [
        {
          where: `${policy.line('require')} require`,
          expected: 'a rule that ages: recent, scanned, or verified with "within"',
          found: policy.rules.map(({ rule }) => rule.name).join(', '),
          fix: `Add \`- recent: {by: […], build: 90d}\` to "require" in ${policy.file}`,
        },
      ]
    }),
}
