export { openFileBlobs, type FileBlobs } from './embedded/blobs.ts'
export { openFileCheckpoints, type FileCheckpoints } from './embedded/checkpoints.ts'
export { openFileEvents } from './embedded/events.ts'
export { openFileRecheckStore } from './embedded/recheck-store.ts'
export { openFileLogStorage, type FileLogOptions } from './embedded/log-storage.ts'
export {
  openFileSpool,
  passingFileSystem,
  type FileSpoolOptions,
} from './embedded/spool-storage.ts'
export type { ClientIdentity, PostgresOptions } from './postgres/connection.ts'
export { openPostgresStore, type PostgresStore } from './postgres/open.ts'
export { shelfDays, type Shelf } from './postgres/shelf.ts'
