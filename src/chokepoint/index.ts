export * from './admission/index.ts'
export { enforce, type Enforced, type EnforceOptions, type RecordedInputs } from './enforce.ts'
