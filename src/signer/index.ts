export type { KeyAlgorithm } from './algorithms.ts'
export { builderIds, provenanceFormat, recipeBuildType } from './builder-ids.ts'
export {
  createCheckpointMemory,
  createKey,
  startSigner,
  type CreateKeyOptions,
  type LogSigner,
  type LogSignerOptions,
  type PublicKey,
  type SignerProcess,
  type StatementSigner,
  type StatementSignerOptions,
  type WitnessSigner,
  type WitnessSignerOptions,
} from './client.ts'
export type {
  ApproverRole,
  BreakglassRole,
  BuilderRole,
  LogRole,
  RulebookRole,
  VerifierRole,
  WitnessRole,
} from './messages.ts'
