export type { BlobStore, StoredBlob } from './blob-store.ts'
export {
  failureOf,
  programPath,
  runProgram,
  startProgram,
  type Command,
  type Exit,
  type Outcome,
  type RunningProgram,
} from './process.ts'
export {
  comparePaths,
  linkDestination,
  unsafePath,
  type TreeDirectory,
  type TreeEntry,
  type TreeFile,
  type TreeSymlink,
} from './tar/entry.ts'
export {
  defaultTarLimits,
  readTar,
  type ArchiveEntry,
  type ReadTarOptions,
  type TarLimits,
} from './tar/read.ts'
export { createTar, type CreateTarOptions } from './tar/write.ts'
export { storeChunks, withFolder, writeChunks, type Storage } from './workspace.ts'
