export {
  checkSandbox,
  sandboxFacts,
  type SandboxCheck,
  type SandboxFacts,
} from './check-sandbox.ts'
export { runStep } from './run-step.ts'
export type {
  Blob,
  CollectedOutput,
  CommandReport,
  Limits,
  Mount,
  NetworkAttempt,
  NetworkReport,
  NpmPackage,
  OutputSpec,
  ProbeResult,
  RunStep,
  RunStepOptions,
  SandboxReport,
  StepOutcome,
  StepReport,
  StepSpec,
} from './step.ts'
