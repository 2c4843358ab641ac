import type { Rule } from './rule.ts'
import { allowed } from './rules/allowed.ts'
import { built } from './rules/built.ts'
import { hermetic } from './rules/hermetic.ts'
import { recent } from './rules/recent.ts'
import { signed } from './rules/signed.ts'

/** A rule whose parameters have been forgotten: only values that its own schema has accepted may be given to it. */
export type AnyRule = Rule

/** Every rule there is. A new rule is a new file and a line here. */
export const rules: ReadonlyMap<string, AnyRule> = new Map(
  [signed, built, hermetic, recent, allowed].map((rule) => [rule.name, rule as unknown as AnyRule]),
)
