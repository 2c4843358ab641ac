import { quote } from '#error'
import type { Place } from '../../rule.ts'
import { type Lint, type Remark, remarkRules } from '../lint.ts'

export const parameterAny: Lint = {
  code: 'LINT_PARAMETER_ANY',
  severity: 'warning',
  entries: ['LNT-17'],
  why: 'Whoever may start a build chooses the value: `-DAUTH=0`, another compiler, another target. The provenance is true, and the artifact is not the one that was reviewed.',
  find: (input) =>
    remarkRules(input, 'built', ({ bound: { place }, parameters }) => [
      ...Object.entries(parameters['parameters'] as Readonly<Record<string, unknown>>)
        .filter(([, values]) => !Array.isArray(values))
        .map(([name]) => ({
          where: place.at(`parameters.${name}`),
          expected: `the values that ${quote(name, 80)} may have, as a list`,
          found: 'anyValueUnsafe: true',
          fix: `Write the values out, such as \`${name}: [release]\`, at ${place.line(`parameters.${name}`)}`,
        })),
      ...(parameters['unmentionedUnsafe'] === true ? [unmentioned(place)] : []),
    ]),
}

function unmentioned(place: Place): Remark {
  return {
    where: place.at('unmentionedUnsafe'),
    expected: 'refs, recipe and parameters as they are for a release',
    found: 'unmentionedUnsafe: true, so that all of them may be anything',
    fix: `Write what a release is built with, and remove "unmentionedUnsafe" at ${place.line('unmentionedUnsafe')}`,
  }
}
