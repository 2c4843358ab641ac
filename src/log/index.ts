export type {
  BodyStore,
  CheckpointSigner,
  JournalMark,
  LogFile,
  LogStorage,
  LogWriter,
} from './ports.ts'
export { endOfRecords } from './journal.ts'
export type { LogLimits } from './committer.ts'
export { openLog, type Log, type OpenLogOptions, type Receipt } from './log.ts'
export { openSharedLog, type OpenSharedLogOptions } from './shared/shared-log.ts'
export { recordOnce } from './shared/record-once.ts'
export { submittedAs } from './shared/waiters.ts'
export type {
  KnownEntry,
  SequencerSession,
  SequencerTurn,
  SharedCommit,
  SharedHead,
  SharedLogStore,
  Sighting,
  Standing,
  SubmittedEntry,
} from './shared/ports.ts'
export {
  Spool,
  type OpenSpoolOptions,
  type SpoolEntry,
  type SpoolLimits,
  type SpoolReceipt,
  type SpoolStanding,
  type SpoolTarget,
} from './spool/spool.ts'
export type { SpoolStorage } from './spool/ports.ts'
export { readSpool, type SpoolReading } from './spool/read-spool.ts'
export { openLogView, type LogView, type PlacedEntry } from './view.ts'
export { verifyLog, type LogReport, type VerifyLogOptions } from './verify/verify-log.ts'
export { damageOf, recordDecision, recordedDecision, type DecisionRecord } from './record.ts'
export { entryForm, type EntryForm } from './entry-form.ts'
export { replay, type Replay, type ReplayOptions } from './replay.ts'
export { createReplayMemory, type ReplayMemory, type SourceFile } from './replay-memory.ts'
export {
  buildForm,
  recordBuild,
  type BuildBegun,
  type BuildDefined,
  type BuildEnded,
  type BuildEntry,
} from './build.ts'
export {
  encodeBuildReceipt,
  openBuildReceipt,
  parseBuildReceipt,
  type BuildReceipt,
  type OpenedBuildReceipt,
} from './build-receipt.ts'
export {
  buildRecordForm,
  recordedBuildSchema,
  recordForeignBuild,
  type BuildRecord,
  type RecordedBuild,
} from './build-record.ts'
export {
  externalVerdictForm,
  recordExternalVerdict,
  type ExternalVerdict,
} from './external-verdict.ts'
export { deploymentForm, recordDeployment, type Deployment } from './deployment.ts'
export { recordRefusal, refusalForm, type Refusal } from './refusal.ts'
export { accessReviewForm, recordAccessReview, type AccessReview } from './access-review.ts'
export type { Cosigner, WitnessLink, WitnessStore } from './witness/ports.ts'
export {
  openWitness,
  type Witness,
  type WitnessAnswer,
  type WitnessOptions,
} from './witness/witness.ts'
export { forkEvidence } from './witness/evidence.ts'
export { findConflict, type Conflict, type HeldCheckpoint } from './witness/compare.ts'
export { newestOf, submit, type Submitted } from './witness/submit.ts'
export { byOf, openWitnessed, Rounds, type RoundsOptions } from './witness/rounds.ts'
