export type { DeploymentRequest, RuleVerdict, Target } from '#policy'
export { accountOf, sentenceOf, type Account, type RuleLine, type Tone } from './account/account.ts'
export { codeBlock, codeSpan, markdownOf, type MarkdownOptions } from './account/markdown.ts'
export { summaryOf, type SummaryOptions } from './account/summary.ts'
export { decide, type DecisionInput } from './decide.ts'
export type {
  Decision,
  Effect,
  Evidence,
  EvidenceItem,
  EvidenceResult,
  EvidenceSource,
  InputFile,
  RuleResult,
  Verdict,
} from './decision.ts'
export { decisionExitCode, encodeDecision } from './encode.ts'
export { engine } from './engine.ts'
export { vsaOf, type VsaOptions } from './vsa.ts'
