export type { BlobStore, StoredBlob } from './blob-store.ts'
export type { ArchiveOptions } from './debian/archive.ts'
export type { ArchiveChain } from './debian/chain.ts'
export type { HostOptions } from './debian/installed.ts'
export { measureRoot, type MeasureRootOptions } from './debian/measured.ts'
export type { PinnedRootOptions } from './debian/follow.ts'
export { assembleRoot, pinnedRoot } from './debian/pinned.ts'
export type { Root, RootPackage } from './debian/root.ts'
export { rootRule } from './debian/root-rule.ts'
export type { AptSource } from './debian/sources.ts'
export {
  fetchMaterials,
  type FetchMaterialsOptions,
  type Material,
  type Progress,
} from './fetch.ts'
export { lintCommands, type NpmScripts } from './lint/commands.ts'
export { lintPipeline, pipelineLints, type PipelineLint } from './lint/pipelines/index.ts'
export { lintPackageLock } from './lint/package-lock.ts'
export { checkLock, type CheckLockOptions } from './lock/check.ts'
export {
  encodeMaterialsLock,
  lockSchemaId,
  parseMaterialsLock,
  type DebEntry,
  type LockedRoot,
  type LockEntry,
  type MaterialRole,
  type MaterialsLock,
  type NpmEntry,
} from './lock/lock.ts'
export { makeLock, type MakeLockOptions } from './lock/make.ts'
export type { NativeLock } from './lock/native.ts'
export { loadNpmAccess, type NpmAccess } from './npm/config.ts'
export { deriveNpm, type DeriveNpmOptions, type NpmPackage } from './npm/derive.ts'
export type { Provenience } from './npm/obtain.ts'
export { npmRegistryEntries, type NpmRegistryEntry } from './npm/registry-entries.ts'
export { toTree, treeTime } from './npm/tree.ts'
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
