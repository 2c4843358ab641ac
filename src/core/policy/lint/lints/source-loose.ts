import { quote } from '#error'
import type { Location } from '../../location.ts'
import { type Lint, remarkRules } from '../lint.ts'

export const sourceLoose: Lint = {
  code: 'LINT_SOURCE_LOOSE',
  severity: 'warning',
  entries: ['LNT-12'],
  why: 'Whoever may create or change any repository below the prefix decides what is built. A playground is enough.',
  find: (input) =>
    remarkRules(input, 'built', ({ bound: { place }, parameters }) => {
      const from = [parameters['from'] as Location | readonly Location[]].flat()
      const loose = from.find((one) => typeof one !== 'string')
      if (loose === undefined) return []
      return [
        {
          where: place.at('from'),
          expected: 'one repository, written out',
          found: `every repository below ${quote(loose.prefix)}`,
          fix: `Write the repository of this service in "from" at ${place.line('from')}`,
        },
      ]
    }),
}
