export { readAnnotation, type Annotation } from './annotation.ts'
export { besideSuffixes, findBesideFile, type BesideFileOptions } from './beside-file.ts'
export { openByteCache, type ByteCache, type ByteCacheOptions } from './cache.ts'
export { openDeadline, type Deadline } from './deadline.ts'
export { digestFile, type FileDigest } from './digest-file.ts'
export { findInDirectory } from './directory.ts'
export type { Gathered, GatherOptions, Source } from './gather.ts'
export type { HttpStore } from './http-store.ts'
export type { HttpClient, HttpLimits, HttpOptions } from './http/client.ts'
export type { ResolvedPackage } from './npm-package.ts'
export type { NpmPackage } from './npm-registry.ts'
export type { AnybodyAnswer, AnybodyOptions } from './oci/anybody.ts'
export type { Attached, AttachedEvidence } from './oci/attach.ts'
export type { Credential, Credentials, NamedCredential } from './oci/credentials.ts'
export type { RegistryEvidence, RegistryOptions, ResolvedArtifact } from './oci/find.ts'
export type { AttachedDocument } from './oci/place.ts'
export { formatReference, parseReference, registryOf, type Reference } from './oci/reference.ts'
export { queryOfTagPage, readTagPage, type TagPage } from './oci/tag-page.ts'
export type { Tags, Upstream, UpstreamOptions, UpstreamRepository } from './oci/upstream.ts'
export {
  manifestTypes,
  maxManifestValues,
  misspelled,
  readManifest,
  type Descriptor,
  type Manifest,
} from './oci/manifest.ts'
export type { RelatedManifest } from './oci/related.ts'
export {
  askAsAnybody,
  attachToRegistry,
  findInHttpStore,
  findInNpmRegistry,
  findInRegistry,
  gatherEvidence,
  openHttp,
  openUpstream,
  nameDockerCredentials,
  readDockerCredentials,
  resolveInNpmRegistry,
  resolveInRegistry,
} from './over-http.ts'
export { nameOfSource } from './source-name.ts'
export type { SourceOptions } from './source-options.ts'
