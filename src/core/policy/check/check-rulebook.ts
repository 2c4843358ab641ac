import { SallyportError, type Problem } from '#error'
import type { Trust } from '#trust'
import { checkPolicies } from '../check-policies.ts'
import type { LintFinding, LintInput } from '../lint/lint.ts'
import { lints } from '../lint/lints.ts'
import { parsePolicies, type PolicyFile } from '../parse-policies.ts'
import type { PolicySet } from '../policy.ts'
import { selectPolicy } from '../select-policy.ts'
import { parseTargets } from './targets.ts'

/** What a check looks at. */
export interface CheckInput {
  readonly policies: readonly PolicyFile[]
  /** The trust file, or what is wrong with it. */
  readonly trust: Trust | { readonly problems: readonly Problem[] }
  /** A list of the targets that exist. */
  readonly targets?: PolicyFile
  readonly now: Date
}

export interface CheckReport {
  /** Worst first; of the same severity in the order of files and lines. */
  readonly findings: readonly LintFinding[]
  /** Files of policies that were read. */
  readonly files: number
  /** Policies in them; none when something in the files cannot be read. */
  readonly policies: number
  readonly metaPolicies: number
  /** How many targets were listed; undefined when nobody listed any. */
  readonly targets?: number
  /** Whether lints were looked at: not before everything can be read. */
  readonly linted: boolean
}

/**
 * Everything that can be said about policies before anything is deployed: their form, what they say about each other and
 * about the trust file, meta-policies, targets that nobody decides about, and lints. Never throws for what files say.
 */
export function checkRulebook(input: CheckInput): CheckReport {
  const { trust, targets, now } = input
  const problems: Problem[] = []
  if (!isTrust(trust)) problems.push(...trust.problems)
  const policies = attempt(problems, () => parsePolicies(input.policies))
  const listed = targets && attempt(problems, () => parseTargets(targets))
  if (policies !== undefined) problems.push(...uncovered(policies, listed ?? []))
  const linted = policies && lintBoth(policies, trust, now, problems)
  const errors = problems.map((problem): LintFinding => ({ severity: 'error', ...problem }))
  return {
    findings: sorted([...errors, ...(linted ?? [])]),
    files: input.policies.length,
    policies: policies?.policies.length ?? 0,
    metaPolicies: policies?.metaPolicies.length ?? 0,
    ...(listed === undefined ? {} : { targets: listed.length }),
    linted: linted !== undefined,
  }
}

function attempt<T>(problems: Problem[], part: () => T): T | undefined {
  try {
    return part()
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/** What policies and trust file say about each other; undefined when the trust file cannot be read. */
function lintBoth(
  policies: PolicySet,
  trust: CheckInput['trust'],
  now: Date,
  problems: Problem[],
): readonly LintFinding[] | undefined {
  if (!isTrust(trust)) return undefined
  problems.push(...checkPolicies(policies, trust))
  return lint({ policies, trust, now })
}

/** What every lint says about policies that are sound. */
export function lint(input: LintInput): readonly LintFinding[] {
  return lints.flatMap(({ code, severity, find }) =>
    find(input).map((remark): LintFinding => ({ severity, code, ...remark })),
  )
}

function isTrust(trust: CheckInput['trust']): trust is Trust {
  return 'signers' in trust
}

/** Targets about which nobody decides: each deployment there is refused. */
function uncovered(
  policies: PolicySet,
  targets: ReturnType<typeof parseTargets>,
): readonly Problem[] {
  const owned = new Set(policies.policies.flatMap((policy) => policy.targets.map(keyOf)))
  return targets
    .filter((target) => !owned.has(keyOf(target)))
    .flatMap((target) => {
      const selected = selectPolicy(policies, target)
      if (!('problem' in selected)) return []
      const { environment, service, where } = target
      return [{ ...selected.problem, where: `${where} ${environment}/${service}` }]
    })
}

function keyOf({ environment, service }: { environment: string; service: string }): string {
  return JSON.stringify([environment, service])
}

const order = ['error', 'warning', 'note']

function sorted(findings: readonly LintFinding[]): readonly LintFinding[] {
  return [...findings].sort(
    (a, b) =>
      order.indexOf(a.severity) - order.indexOf(b.severity) || compare(placeOf(a), placeOf(b)),
  )
}

/** A place in a file, from the `where` of a problem: `policies/prod.yaml:8:5 require[0].built`. */
export function placeOf({ where = '' }: { readonly where?: string }): Place {
  const [, file, line, column, path] = /^(.*?):(\d+):(\d+)(?: (.*))?$/s.exec(where) ?? []
  if (file === undefined) return { file: where }
  return {
    file,
    line: Number(line),
    column: Number(column),
    ...(path === undefined ? {} : { path }),
  }
}

export interface Place {
  readonly file: string
  readonly line?: number
  readonly column?: number
  readonly path?: string
}

function compare(a: Place, b: Place): number {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0)
}
