import { checkPolicies, parsePolicies } from '#policy'
import { parseTrust } from '#trust'
import { at, vectors } from '../corpus.ts'
import type { JsonObject } from '#document'
import type { Target } from '../target.ts'

const texts = (): readonly Buffer[] =>
  [...vectors('policy'), ...vectors('decision')].flatMap((vector) => {
    const files = (vector['files'] ?? vector['policies']) as readonly JsonObject[]
    return at(files, 'text')
  })
const trust = parseTrust(at(vectors('decision'), 'trust')[0] ?? Buffer.alloc(0), {
  file: 'trust.yaml',
})

export const policyTargets: readonly Target[] = [
  {
    name: 'policy.parsePolicies',
    covers: ['#policy.parsePolicies'],
    form: 'text',
    seeds: texts,
    run: (input) => {
      const policies = parsePolicies([{ file: 'fuzz.yaml', bytes: input }])
      for (const { rules } of policies.policies)
        if (rules.length === 0) throw new Error('a policy that asks for nothing')
      checkPolicies(policies, trust)
    },
  },
]
