import type { Signer } from '#trust'
import { type Lint, remarkRules } from '../lint.ts'

/** Builders whose provenance always names a workflow or pipeline file, and a ref. */
const hosted = /^https:\/\/(?:github\.com|gitlab\.com|cloudbuild\.googleapis\.com|tekton\.dev)\//

export const parameterUnsaid: Lint = {
  code: 'LINT_PARAMETER_UNSAID',
  severity: 'warning',
  entries: ['LNT-17'],
  why: 'What a requester can choose and the rule does not mention is refused. Without `refs` no build that names a branch or tag is accepted; without `recipe` none by a service that names its workflow. Such a policy is soon loosened in a hurry.',
  find: (input) =>
    remarkRules(
      input,
      'built',
      ({
        bound: {
          place,
          parameters: { by },
        },
        parameters,
      }) => {
        const signers = by.flatMap((name) => input.trust.signers.get(name) ?? [])
        const unsaid = [
          ...(parameters['refs'] === undefined ? ['refs'] : []),
          ...(parameters['recipe'] === undefined && signers.some(isHosted) ? ['recipe'] : []),
        ]
        // Then they are not refused, which is another lint.
        if (parameters['unmentionedUnsafe'] === true) return []
        return unsaid.map((field) => ({
          where: place.at(),
          expected: `"${field}": what the requester of a build may choose`,
          found: `no "${field}", so every build whose provenance names one is refused`,
          fix:
            field === 'refs'
              ? `Write \`refs: [refs/heads/main]\`, or what this service is released from, at ${place.line()}`
              : `Write \`recipe: <path of the workflow or pipeline file>\` at ${place.line()}`,
        }))
      },
    ),
}

function isHosted({ builders, builderPrefixes, identities }: Signer): boolean {
  const ids = [...builders.keys(), ...builderPrefixes.map(({ prefix }) => prefix)]
  return identities.length > 0 || ids.some((id) => hosted.test(id))
}
