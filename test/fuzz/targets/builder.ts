import { evaluateRecipe, parseBuildRequest, parseRecipe, readDefinition } from '#builder'
import { parseStatement } from '#attestation'
import { parseJson } from '#document'
import { readPlan } from '../../../src/builder/definition/plan.ts'
import { parseDuration, parseSize } from '../../../src/builder/recipe/units.ts'
import { parsePattern } from '../../../src/builder/recipe/pattern.ts'
import { provenance } from '../../../src/core/decision/testing/fixtures.ts'
import { at, inputs, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const request = {
  repository: 'https://git.example/acme/shop',
  revision: 'main',
  recipe: 'sallyport.build.json',
  parameters: { target: 'release' },
}

export const builderTargets: readonly Target[] = [
  {
    name: 'builder.parseRecipe',
    covers: ['#builder.parseRecipe'],
    form: 'json',
    seeds: () => at(vectors('builder/recipe'), 'recipe'),
    run: (input) => evaluateRecipe(parseRecipe(input, { file: 'fuzz' }), {}),
  },
  {
    name: 'builder.parseBuildRequest',
    covers: ['#builder.parseBuildRequest'],
    form: 'json',
    seeds: () => [Buffer.from(JSON.stringify(request))],
    run: (input) => parseBuildRequest(parseJson(input, { what: 'fuzz' })),
  },
  {
    name: 'builder.readDefinition',
    covers: ['#builder.readDefinition'],
    form: 'json',
    seeds: () => [
      Buffer.from(JSON.stringify(provenance())),
      ...inputs(vectors('attestation', 'readProvenance')),
    ],
    run: (input) => readPlan(readDefinition(parseStatement(input))),
  },
  {
    name: 'builder.parsePattern',
    covers: [],
    form: 'text',
    seeds: () =>
      ['^[a-z]{1,10}$', '^v[0-9]+\\.[0-9]+$', '10MiB', '5m'].map((text) => Buffer.from(text)),
    run: (input) => {
      const text = input.toString()
      parseSize(text)
      parseDuration(text)
      parsePattern(text)?.(`${'a'.repeat(200)}!`)
    },
  },
]
