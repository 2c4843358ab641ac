import type { Rule } from './rule.ts'
import { allowed } from './rules/allowed.ts'
import { built } from './rules/built.ts'
import { custom } from './rules/custom.ts'
import { hermetic } from './rules/hermetic.ts'
import { dependencies } from './rules/dependencies.ts'
import { layout } from './rules/layout.ts'
import { minimumLevel } from './rules/minimum-level.ts'
import { reproduced } from './rules/reproduced.ts'
import { reviewed } from './rules/reviewed.ts'
import { sbom } from './rules/sbom.ts'
import { scanned } from './rules/scanned.ts'
import { tested } from './rules/tested.ts'
import { verified } from './rules/verified.ts'
import { recent } from './rules/recent.ts'
import { signed } from './rules/signed.ts'

/** A rule whose parameters have been forgotten: only values that its own schema has accepted may be given to it. */
export type AnyRule = Rule

/** Every rule there is. A new rule is a new file and a line here. */
export const rules: ReadonlyMap<string, AnyRule> = new Map(
  [
    signed,
    built,
    hermetic,
    reviewed,
    tested,
    scanned,
    sbom,
    recent,
    allowed,
    verified,
    minimumLevel,
    reproduced,
    dependencies,
    layout,
    custom,
  ].map((rule) => [rule.name, rule as unknown as AnyRule]),
)
