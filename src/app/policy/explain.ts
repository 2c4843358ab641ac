import { existsSync } from 'node:fs'
import type { Config } from '#config'
import { SallyportError } from '#error'
import {
  explainPolicy,
  parsePolicies,
  selectPolicy,
  type Explanation,
  type PolicySet,
} from '#policy'
import { readPolicyFiles } from '../input.ts'
import { readTrust } from '../rulebook.ts'

export interface PolicyExplainOptions {
  readonly config: () => Promise<Config>
  readonly cwd: string
  /** A target `environment/service`, or a policy file or folder; without it, every policy of the configuration. */
  readonly subject?: string
  readonly trust?: string
  readonly now: Date
}

/**
 * Says in plain words what policies demand.
 *
 * @throws SallyportError FILE_…, DOCUMENT_…, POLICY_…, TRUST_…; POLICY_MISSING when nobody decides about the target
 */
export async function explainPolicies(
  options: PolicyExplainOptions,
): Promise<readonly Explanation[]> {
  const { cwd, subject, now } = options
  const file = subject !== undefined && existsSync(subject) ? subject : undefined
  const paths = await pathsOf(options, file)
  const [files, { trust }] = await Promise.all([
    readPolicyFiles(paths.policies, cwd),
    readTrust(paths.trust, cwd),
  ])
  const set = parsePolicies(files)
  const asked = file !== undefined || subject === undefined
  const policies = asked ? set.policies : [ownerOf(subject, set)]
  return policies.map((policy) => explainPolicy(policy, trust, now))
}

async function pathsOf({ config: read, trust }: PolicyExplainOptions, file: string | undefined) {
  if (file !== undefined && trust !== undefined) return { policies: [file], trust }
  const config = await read()
  const { policies, metaPolicies } = config
  return {
    policies: file === undefined ? [...policies, ...metaPolicies] : [file],
    trust: trust ?? config.trust,
  }
}

function ownerOf(subject: string, set: PolicySet) {
  const at = subject.indexOf('/')
  if (at < 1 || at === subject.length - 1) throw noSubject(subject)
  const target = { environment: subject.slice(0, at), service: subject.slice(at + 1) }
  const selected = selectPolicy(set, target)
  if ('problem' in selected) throw new SallyportError(selected.problem)
  return selected.policy
}

function noSubject(subject: string): SallyportError {
  return new SallyportError({
    code: 'USAGE_VALUE',
    where: 'sallyport policy explain',
    expected: 'a target such as prod/payments, or a policy file that is there',
    found: JSON.stringify(subject),
    fix: 'Write the environment, a slash and the service, or correct the path',
  })
}
