export * from './admission/index.ts'
export type { ProxyPorts, PullAnswer, PullQuestion } from './proxy/ports.ts'
export { targetOf, type TargetMapping } from './proxy/targets.ts'
export { enforce, type Enforced, type EnforceOptions, type RecordedInputs } from './enforce.ts'
