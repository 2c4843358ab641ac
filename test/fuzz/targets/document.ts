import { canonicalJson, checkShape, decodeText, parseJson, parseYaml } from '#document'
import { z } from 'zod'
import { at, inputs, vectors } from '../corpus.ts'
import type { Target } from '../target.ts'

const policies = (): readonly Buffer[] => at(vectors('policy'), 'files', '0', 'text')
const shape = z.looseObject({ a: z.array(z.string()).optional(), subject: z.unknown() })

export const documentTargets: readonly Target[] = [
  {
    name: 'document.parseJson',
    covers: ['#document.parseJson', '#document.decodeText'],
    form: 'json',
    seeds: () => inputs(vectors('attestation')),
    run: (input) => {
      decodeText(input, 'fuzz', 1024 * 1024)
      const value = parseJson(input, { what: 'fuzz' })
      // What is written canonically reads as the same.
      const again = canonicalJson(value)
      if (canonicalJson(parseJson(Buffer.from(again), { what: 'fuzz' })) !== again)
        throw new Error('canonical JSON reads as something else')
      checkShape(shape, value, { what: 'fuzz' })
    },
  },
  {
    name: 'document.parseYaml',
    covers: ['#document.parseYaml'],
    form: 'text',
    seeds: () => [...policies(), ...at(vectors('trust'), 'trust')],
    run: (input) => {
      const { locate } = parseYaml(input, { file: 'fuzz.yaml' })
      locate(['require', 0, 'built'])
    },
  },
]
