export { readAnnotation, type Annotation } from './annotation.ts'
export { besideSuffixes, findBesideFile, type BesideFileOptions } from './beside-file.ts'
export { openByteCache, type ByteCache, type ByteCacheOptions } from './cache.ts'
export { digestFile, type FileDigest } from './digest-file.ts'
export { findInDirectory } from './directory.ts'
export { gatherEvidence, type Gathered, type GatherOptions, type Source } from './gather.ts'
export { findInHttpStore, type HttpStore } from './http-store.ts'
export { openHttp, type HttpClient, type HttpLimits, type HttpOptions } from './http/client.ts'
export { findInNpmRegistry, type NpmPackage } from './npm-registry.ts'
export {
  anonymous,
  dockerConfigFile,
  readDockerCredentials,
  type Credential,
  type Credentials,
} from './oci/credentials.ts'
export {
  findInRegistry,
  resolveInRegistry,
  type RegistryEvidence,
  type RegistryOptions,
  type ResolvedArtifact,
} from './oci/find.ts'
export type { AttachedDocument } from './oci/place.ts'
export { formatReference, parseReference, type Reference } from './oci/reference.ts'
export type { RelatedManifest } from './oci/related.ts'
