import { predicateTypes } from '#attestation'
import { quote } from '#error'
import type { Signer } from '#trust'
import { type Lint, type LintInput } from '../lint.ts'

export const unrequired: Lint = {
  code: 'LINT_UNREQUIRED',
  severity: 'warning',
  entries: ['LNT-02'],
  why: 'Somebody makes attestations that nobody verifies: the work is done, and nothing is protected by it. Or a right that nobody needs any more is waiting to be misused.',
  find: (input) =>
    [...input.trust.signers.values()].flatMap((signer) => {
      const asked = askedOf(signer, input)
      const idle = [...signer.predicateTypes].filter((type) => !asked.has(type))
      if (idle.length === 0) return []
      return [
        {
          where: `${signer.where} signers.${signer.name}`,
          expected: `a policy with a rule that asks ${signer.name} for it`,
          found: `no rule asks for ${idle.map((type) => quote(type, 100)).join(', ')}`,
          fix: `Name ${signer.name} in "by" of a rule that asks for it, or remove the type from the signer in ${input.trust.file}`,
        },
      ]
    }),
}

/** The predicate types that some rule would take from this signer; grants, and risks that stay, are asked for by no rule. */
function askedOf({ name }: Signer, { policies, trust }: LintInput): ReadonlySet<string> {
  const terms = [trust, ...policies.policies].flatMap(({ breakglass }) => breakglass ?? [])
  const grants = terms.some(({ approvers }) => approvers.includes(name))
  const asked = policies.policies.flatMap(({ rules }) =>
    rules.flatMap(({ rule, parameters }) =>
      namesIn(parameters).has(name) ? rule.predicateTypes(parameters) : [],
    ),
  )
  return new Set([
    ...asked,
    ...(grants ? [predicateTypes.breakglass] : []),
    ...(terms.length > 0 ? [predicateTypes.riskAcceptance] : []),
  ])
}

/** Everybody whom a rule names: `by`, and the other lists of signers inside it. */
function namesIn(parameters: unknown): ReadonlySet<string> {
  if (typeof parameters !== 'object' || parameters === null) return new Set()
  return new Set(
    Object.entries(parameters).flatMap(([field, value]): readonly string[] =>
      /^by$|By$/.test(field) && Array.isArray(value)
        ? (value as readonly string[])
        : [...namesIn(value)],
    ),
  )
}
