export type { AllowedSource } from './allowed.ts'
export {
  defaultSourceLimits,
  fetchCommit,
  type FetchCommitOptions,
  type SourceLimits,
  type SourceSnapshot,
} from './fetch.ts'
export { canonicalUri } from './repository.ts'
