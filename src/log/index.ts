export type {
  BodyStore,
  CheckpointSigner,
  JournalMark,
  LogFile,
  LogStorage,
  LogWriter,
} from './ports.ts'
export { openLog, type Log, type Receipt } from './log.ts'
export { openLogView, type LogView } from './view.ts'
