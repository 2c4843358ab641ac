export type {
  BodyStore,
  CheckpointSigner,
  JournalMark,
  LogFile,
  LogStorage,
  LogWriter,
} from './ports.ts'
