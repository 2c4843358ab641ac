export type { DeploymentRequest, Rechecked, RuleVerdict, Target } from '#policy'
export { accountOf, sentenceOf, type Account, type RuleLine, type Tone } from './account/account.ts'
export { codeBlock, codeSpan, markdownOf, type MarkdownOptions } from './account/markdown.ts'
export { summaryOf, type SummaryOptions } from './account/summary.ts'
export { wantedOf } from './breakglass.ts'
export { decide, type DecisionInput } from './decide.ts'
export type {
  BreakglassResult,
  Decision,
  Effect,
  Evidence,
  EvidenceItem,
  EvidenceResult,
  EvidenceSource,
  GrantResult,
  InputFile,
  RelatedIndex,
  RuleResult,
  Verdict,
} from './decision.ts'
export { decisionExitCode, encodeDecision, evidenceBytes } from './encode.ts'
export { engine } from './engine.ts'
export { exemptedIn, type ExemptedRule } from './exempted.ts'
export { gradeBuild, type BuildGrade } from './grade.ts'
export { DecisionMemory, type MemoryOptions } from './memory.ts'
export { readExternalResult, type ExternalResult } from './external-result.ts'
export { exportVerified, type VerifiedExport } from './export-verified.ts'
export { vsaOf, type VsaOptions } from './vsa.ts'
export {
  encodeFixture,
  fixtureLimits,
  parseFixture,
  type Fixture,
  type Golden,
  type GoldenRule,
} from './fixture/fixture.ts'
export { compareGolden, goldenOf, type Difference } from './fixture/golden.ts'
export { mutantsOf, type Mutant } from './fixture/mutate.ts'
export { proveRules, type Decided, type RuleProof } from './fixture/prove.ts'
export { compareDecisions, type DecisionChange } from './compare/compare-decisions.ts'
export { comparePolicies, type PolicyChange } from './compare/compare-policies.ts'
export {
  changesAnswers,
  diffMarkdown,
  headlineOf,
  outcomeTitles,
  type PolicyDiff,
} from './compare/markdown.ts'
