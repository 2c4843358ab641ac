export * from './admission/index.ts'
export type { ProxyPorts, PullAnswer, PullQuestion } from './proxy/ports.ts'
export { targetOf, type TargetMapping } from './proxy/targets.ts'
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
  type PackageQuestion,
  type TarballStore,
} from './proxy/npm/index.ts'
