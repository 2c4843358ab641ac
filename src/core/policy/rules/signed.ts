import { predicateTypes } from '#attestation'
import { claimed } from '#trust'
import { z } from 'zod'
import { judgeAny } from '../judge-each.ts'
import { provenanceKind } from '../kinds/provenance.ts'
import { statementKind } from '../kinds/statement.ts'
import type { Rule } from '../rule.ts'
import { bySchema, countSchema } from '../schema-parts.ts'
import { checkCount, countOwners } from './owners.ts'

const schema = z.strictObject({
  by: bySchema,
  predicateType: z
    .enum([...provenanceKind.predicateTypes, predicateTypes.approval])
    .optional()
    .describe('what the signature must say; default is provenance of any form'),
  count: countSchema,
})

type Parameters = z.output<typeof schema>

/** The simplest policy that works on its own: authentic, about this artifact, by a named signer (POL-15). */
export const signed: Rule<Parameters> = {
  name: 'signed',
  schema,
  threats: ['T05', 'T31'],
  threat:
    'An artifact that no named signer vouches for, or other bytes under its name, is deployed.',
  cannot:
    'It asks only who signed a statement about the artifact, not what the statement says: `built` asks from where and how it was built.',
  fixes: 'artifact',
  predicateTypes: typesOf,
  check: ({ count }, signers, place) => checkCount(count, signers, place),
  evaluate: (rule, context) => {
    const search = context.search(statementKind(typesOf(rule)), rule.by)
    const { good, nothing } = judgeAny(search, ({ verified }) => ({
      findings: [],
      facts: [claimed('predicateType', verified.value.predicateType)],
    }))
    return nothing ?? countOwners(good, rule.count, rule.by, context)
  },
}

/** KEY-23: a signature means what it says; only statements that vouch for an artifact count as signing it. */
function typesOf({ predicateType }: Parameters): readonly string[] {
  return predicateType === undefined ? [...provenanceKind.predicateTypes] : [predicateType]
}
