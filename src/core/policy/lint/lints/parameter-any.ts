import { quote } from '#error'
import { type Lint, remarkRules } from '../lint.ts'

export const parameterAny: Lint = {
  code: 'LINT_PARAMETER_ANY',
  severity: 'warning',
  entries: ['LNT-17'],
  why: 'Whoever may start a build chooses the value: `-DAUTH=0`, another compiler, another target. The provenance is true, and the artifact is not the one that was reviewed.',
  find: (input) =>
    remarkRules(input, 'built', ({ bound: { place }, parameters }) =>
      Object.entries(parameters['parameters'] as Readonly<Record<string, unknown>>)
        .filter(([, values]) => !Array.isArray(values))
        .map(([name]) => ({
          where: place.at(`parameters.${name}`),
          expected: `the values that ${quote(name, 80)} may have, as a list`,
          found: 'anyValueUnsafe: true',
          fix: `Write the values out, such as \`${name}: [release]\`, at ${place.line(`parameters.${name}`)}`,
        })),
    ),
}
