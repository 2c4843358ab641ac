import type { HttpClient } from '#evidence'
import type { ProxyPorts } from '../ports.ts'
import type { TarballStore } from './tarball-store.ts'

/** What the npm proxy needs of the rest. */
export interface NpmProxyPorts extends Pick<ProxyPorts, 'decide' | 'refuse' | 'explain'> {
  readonly http: HttpClient
  readonly clock: () => Date
  readonly store: TarballStore
  /**
   * The `name` and `version` that the `package.json` of a tarball states; whatever it holds. MUST be bounded.
   *
   * @throws SallyportError when it is no archive, or has no such file
   */
  readonly readManifest: (tarball: Uint8Array) => Promise<PackageManifest>
  /** Tells the operator. MUST NOT throw. */
  readonly tell: (event: string, fields: Readonly<Record<string, unknown>>) => void
}

export interface PackageManifest {
  readonly name: string
  readonly version: string
}
