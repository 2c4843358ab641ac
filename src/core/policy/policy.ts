import { isAtOrAfter } from '#document'
import type { BreakglassTerms } from '#trust'
import type { ArtifactPattern } from './artifact-name.ts'
import type { Deployer } from './deployers.ts'
import type { MetaPolicy } from './meta/meta-policy.ts'
import type { Target } from './request.ts'
import type { Place, RuleParameters } from './rule.ts'
import type { AnyRule } from './rules.ts'

/** One policy, compiled: flat, with its rules bound to their parameters. Made by `parsePolicies` only. */
export interface Policy {
  readonly name: string
  readonly owner: string
  /** Goes up with each change; missing where the file says none. */
  readonly version?: number
  readonly file: string
  /** Lower-case hex sha256 of the file's bytes. */
  readonly digest: string
  readonly targets: readonly (Target & { readonly where: string })[]
  /** Names under which signers may know the artifacts of these targets; missing means any. */
  readonly artifacts?: readonly ArtifactPattern[]
  readonly rules: readonly BoundRule[]
  /** What need not hold for a while. */
  readonly exemptions: readonly Exemption[]
  /** Who may deploy there; missing means everybody whom a choke point lets ask. */
  readonly deployers?: readonly Deployer[]
  readonly mode: 'enforce' | 'audit'
  /** Identifiers that name an artifact here as surely as a digest does, because the platform gives each only once. */
  readonly identifiedBy: readonly string[]
  /** What answers for an artifact of several platforms: its index alone, or every image that it lists. */
  readonly multiPlatform: 'index' | 'images'
  /** From then on a policy with `mode: audit` enforces. */
  readonly auditUntil?: Date
  readonly whenUnavailable: 'deny' | 'allow'
  /** Who may let something in although a rule says no; missing: nobody. */
  readonly breakglass?: BreakglassTerms
  /** `file:line:column` of something in it, such as `artifacts`. */
  readonly line: (field: string) => string
}

/** A rule that need not hold until a time: it is evaluated and shown all the same. */
export interface Exemption {
  /** The id of the rule, such as `require[2].scanned`. */
  readonly rule: string
  readonly reason: string
  /** Who answers for it. */
  readonly owner: string
  /** Before this it counts for nothing. */
  readonly since?: Date
  readonly expires: Date
  /** `file:line:column` of its entry. */
  readonly where: string
}

/** A rule with the parameters that a policy gives it. */
export interface BoundRule {
  readonly place: Place
  readonly rule: AnyRule
  readonly parameters: RuleParameters
}

/** What a policy does at a time: an audit with an end enforces from then on. */
export function modeAt({ mode, auditUntil }: Policy, now: Date): Policy['mode'] {
  return mode === 'audit' && auditUntil !== undefined && isAtOrAfter(now, auditUntil)
    ? 'enforce'
    : mode
}

/** All policies of one gate: each target is owned by at most one. */
export interface PolicySet {
  readonly policies: readonly Policy[]
  /** What every one of them was held against. */
  readonly metaPolicies: readonly MetaPolicy[]
  readonly files: readonly { readonly file: string; readonly digest: string }[]
}
