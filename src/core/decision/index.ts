export type { DeploymentRequest, RuleVerdict, Target } from '#policy'
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
