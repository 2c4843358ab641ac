import { quote, type Problem } from '#error'
import { mayDeploy, showDeployer, type DeploymentRequest, type Policy } from '#policy'
import type { DeployerResult, Verdict } from './decision.ts'

/** A verdict, once it is known who asks. */
export interface Judged {
  readonly verdict: Verdict
  readonly problems: readonly Problem[]
  /** For the decision; empty where the policy says nothing of deployers. */
  readonly told: { readonly deployer?: DeployerResult }
}

/** So many of a long list are named to whoever is refused. */
const maxNamed = 8

/**
 * DEP-07: the best artifact is refused to who may not deploy it. What is true of the artifact stays in the record. It is a
 * "no" even where the artifact could not be told: an outage must not open what whoever asks may not have.
 */
export function judgeDeployer(
  policy: Policy,
  { principal }: DeploymentRequest,
  otherwise: Verdict,
): Judged {
  const { deployers } = policy
  if (deployers === undefined) return { verdict: otherwise, problems: [], told: {} }
  const authorised = mayDeploy(deployers, principal)
  const who = principal === undefined ? {} : { principal: principal.toWellFormed() }
  const told = { deployer: { ...who, authorised, otherwise } }
  if (authorised) return { verdict: otherwise, problems: [], told }
  const verdict = otherwise === 'POLICY_ERROR' ? otherwise : 'DENY'
  return { verdict, problems: [refused(policy, principal)], told }
}

function refused({ deployers = [], owner, file, line }: Policy, principal?: string): Problem {
  const named = deployers.slice(0, maxNamed).map(showDeployer)
  const more = deployers.length - named.length
  const may = [...named, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
  return {
    code: 'DEPLOYER_NOT_ALLOWED',
    where: `${line('deployers')} deployers`,
    expected: `somebody who may deploy there: ${may}`,
    found: principal === undefined ? 'nobody who has proven who they are' : quote(principal, 300),
    fix: `Have one of them deploy it, or have ${quote(owner, 100)} add whoever asks to "deployers" in ${file}`,
  }
}
