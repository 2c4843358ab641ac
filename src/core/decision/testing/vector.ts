import type { DeploymentRequest } from '#policy'
import { allowing } from './cases/allowing.ts'
import { built } from './cases/built.ts'
import { evidence } from './cases/evidence.ts'
import { outcomes } from './cases/outcomes.ts'
import { rules } from './cases/rules.ts'
import { findings } from './cases/findings.ts'
import { inputs } from './cases/inputs.ts'
import { summaries } from './cases/summaries.ts'
import { source } from './cases/source.ts'
import { tokens } from './cases/tokens.ts'
import type { Case } from './case.ts'
import type { EvidenceSource } from '../index.ts'

export const cases: readonly Case[] = [
  ...allowing,
  ...evidence,
  ...built,
  ...rules,
  ...source,
  ...findings,
  ...summaries,
  ...inputs,
  ...tokens,
  ...outcomes,
]

/** A vector file of test/vectors/decision: everything a decision is a function of, and the decision. */
export interface DecisionVector {
  readonly says: string
  readonly now: string
  readonly request: DeploymentRequest
  /** The trust file, as text. */
  readonly trust: string
  readonly policies: readonly { readonly file: string; readonly text: string }[]
  readonly evidence: {
    /** `digest` stands only where it is not the sha256 of the text. */
    readonly items: readonly {
      readonly source: string
      readonly text: string
      readonly digest?: string
    }[]
    readonly sources: readonly EvidenceSource[]
  }
  readonly expected: Case['expected'] & { readonly effect: string }
}
