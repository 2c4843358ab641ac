export { openFileBlobs, type FileBlobs } from './embedded/blobs.ts'
export { openFileLogStorage, type FileLogOptions } from './embedded/log-storage.ts'
