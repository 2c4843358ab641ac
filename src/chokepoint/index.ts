export * from './admission/index.ts'
export type { ProxyPorts, PullAnswer, PullQuestion } from './proxy/ports.ts'
export { openOciProxy, refuseOci, type OciProxy } from './proxy/oci/proxy.ts'
export type { OciProxyOptions, ProxiedRegistry } from './proxy/oci/context.ts'
export { openBlobCache, type BlobCache } from './proxy/oci/blob-cache.ts'
export { openHints, type Hints } from './proxy/oci/hints.ts'
export type { NameMapping } from './proxy/targets.ts'
export { enforce, type Enforced, type EnforceOptions, type RecordedInputs } from './enforce.ts'
export {
  maxNpmQuestionBytes,
  openNpmProxy,
  openTarballStore,
  npmReplyOfError,
  npmRouteOf,
  type BoundRegistry,
  type NamePattern,
  type NpmProxy,
  type NpmProxyPorts,
  type NpmProxySettings,
  type NpmReply,
  type NpmRequest,
  type PackageManifest,
  type RegistryKey,
  type TarballStore,
} from './proxy/npm/index.ts'
