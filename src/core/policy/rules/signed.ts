import { cut } from '#document'
import { quote } from '#error'
import { claimed } from '#trust'
import { z } from 'zod'
import { isNamed, showArtifact } from '../artifact-name.ts'
import { judgeAny, type Finding } from '../judge-each.ts'
import { defaultVouching, isVouchingType, vouchingKind, type Vouching } from '../kinds/vouching.ts'
import type { Rule, RuleContext } from '../rule.ts'
import { bySchema, countSchema } from '../schema-parts.ts'
import { fail } from './facts.ts'
import { checkCount, countOwners } from './owners.ts'
import { judgeRelease } from './release.ts'

const schema = z.strictObject({
  by: bySchema,
  types: z
    .array(
      z
        .string()
        .max(500)
        .refine(
          isVouchingType,
          'the predicate type of a statement that cannot say no: provenance, approval, release, publish, link, SCAI, reference, or a signature of an image; others have a rule of their own',
        ),
    )
    .min(1, 'at least one type')
    .max(16)
    .optional()
    .describe('what the signature must say, by predicate type; default is provenance of any form'),
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
    const search = context.search(vouchingKind(typesOf(rule)), rule.by)
    const { good, nothing } = judgeAny(search, ({ verified, said }) => ({
      findings: [...judgeRelease(said, context), ...judgeReference(said, context)],
      facts: [
        claimed('predicateType', verified.value.predicateType),
        ...said.names.slice(0, 4).map((name) => claimed('artifact.name', cut(name, 500))),
      ],
    }))
    return nothing ?? countOwners(good, rule.count, rule.by, context)
  },
}

/** KEY-23: a signature means what it says; only statements that vouch for an artifact count as signing it. */
function typesOf({ types }: Parameters): readonly string[] {
  return types ?? defaultVouching
}

/** Who signs an image says under which name it is meant to be found: another service's image is not this one's. */
function judgeReference(
  { reference, names }: Vouching,
  { artifacts, place }: RuleContext,
): readonly Finding[] {
  if (artifacts === undefined || reference === undefined) return []
  if (names.some((name) => artifacts.some((pattern) => isNamed(name, pattern)))) return []
  const problem = {
    code: 'ARTIFACT_NOT_OF_TARGET' as const,
    where: place.at('types'),
    expected: `a signature of ${artifacts.map(showArtifact).join(' or ')}`,
    found: `one under the name ${quote(reference, 200)}`,
    fix: 'Deploy an image that was signed under a name of this service, or add its name to "artifacts"',
  }
  return [fail(problem)]
}
