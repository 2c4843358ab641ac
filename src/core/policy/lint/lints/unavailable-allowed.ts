import { type Lint } from '../lint.ts'

export const unavailableAllowed: Lint = {
  code: 'LINT_UNAVAILABLE_ALLOWED',
  severity: 'warning',
  entries: ['LNT-03'],
  why: 'Whoever can make a place of evidence unreachable gets an artifact in without evidence. It is marked and checked again later, and it runs until then.',
  find: ({ policies }) =>
    policies.policies
      .filter(({ whenUnavailable }) => whenUnavailable === 'allow')
      .map(({ file, line }) => ({
        where: `${line('whenUnavailable')} whenUnavailable`,
        expected: 'whenUnavailable: deny',
        found: 'whenUnavailable: allow',
        fix: `Keep evidence beside the artifact, so that nothing can be unavailable, and write "whenUnavailable: deny" in ${file}`,
      })),
}
