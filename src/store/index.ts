export { openFileBlobs, type FileBlobs } from './embedded/blobs.ts'
export { openFileLogStorage, type FileLogOptions } from './embedded/log-storage.ts'
export type { PostgresOptions } from './postgres/connection.ts'
export { openPostgresStore, type PostgresStore } from './postgres/open.ts'
