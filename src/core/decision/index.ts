export type { DeploymentRequest, RuleVerdict, Target } from '#policy'
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
