import { quote } from '#error'
import type { Location } from '../../location.ts'
import { isProduction, type Lint, remarkRules } from '../lint.ts'

export const refLoose: Lint = {
  code: 'LINT_REF_LOOSE',
  severity: 'warning',
  entries: ['LNT-12'],
  why: 'Anybody who can push a branch can have it built and deployed to production, before anybody has reviewed or merged it.',
  find: (input) =>
    remarkRules(input, 'built', ({ bound: { place }, parameters }, policy) => {
      const refs = (parameters['refs'] ?? []) as readonly Location[]
      const wide = refs.find((ref) => typeof ref !== 'string' && ref.prefix === 'refs/heads/')
      if (wide === undefined || typeof wide === 'string' || !isProduction(policy)) return []
      return [
        {
          where: place.at('refs'),
          expected: 'the branches that production is released from, written out',
          found: `every branch: anything below ${quote(wide.prefix)}`,
          fix: `Write the branch out, such as \`refs: [refs/heads/main]\`, at ${place.line('refs')}`,
        },
      ]
    }),
}
