import type { Problem, ProblemCode } from '#error'
import type { Trust } from '#trust'
import type { BoundRule, Policy, PolicySet } from '../policy.ts'

/** How bad it is. An error stops a policy set from being used; a warning is most likely a mistake; a note is worth knowing. */
export type Severity = 'error' | 'warning' | 'note'

/** A problem that was found by looking at policies, before anything is deployed. */
export interface LintFinding extends Problem {
  readonly severity: Severity
}

/** What lints look at: sound policies, and the trust file that they are used with. */
export interface LintInput {
  readonly policies: PolicySet
  readonly trust: Trust
  readonly now: Date
}

/** What a lint says; the code is the lint's own. */
export type Remark = Omit<Problem, 'code'>

/** One thing that policies should not do. A lint is one file in `lints/`, and a line in `lints.ts`. */
export interface Lint {
  readonly code: ProblemCode
  readonly severity: Exclude<Severity, 'error'>
  /** The entries of docs/requirements.md that it is about. */
  readonly entries: readonly string[]
  /** What goes wrong where it is found, in a sentence or two. */
  readonly why: string
  readonly find: (input: LintInput) => readonly Remark[]
}

/** A rule with its parameters as a table, for those who look at fields by name. */
export interface ReadRule {
  readonly bound: BoundRule
  readonly name: string
  readonly parameters: Readonly<Record<string, unknown>>
}

export function rulesOf(policy: Policy, ...names: readonly string[]): readonly ReadRule[] {
  return policy.rules
    .filter(({ rule }) => names.length === 0 || names.includes(rule.name))
    .map((bound) => ({
      bound,
      name: bound.rule.name,
      parameters: bound.parameters as unknown as Readonly<Record<string, unknown>>,
    }))
}

/** One remark for each rule of the given name that a lint has something to say about. */
export function remarkRules(
  { policies }: LintInput,
  name: string,
  remark: (rule: ReadRule, policy: Policy) => readonly Remark[],
): readonly Remark[] {
  return policies.policies.flatMap((policy) =>
    rulesOf(policy, name).flatMap((rule) => remark(rule, policy)),
  )
}

/** Environments where real users are: by the names that people give them. */
export function isProduction({ targets }: Policy): boolean {
  return targets.some(({ environment }) =>
    /^(?:prod|production|live)(?:[-_./]|$)/i.test(environment),
  )
}
