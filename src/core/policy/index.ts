export type { DeploymentRequest, Target } from './request.ts'
export type { RuleVerdict } from './verdict.ts'
