import type { HttpClient, NpmPackage } from '#evidence'
import type { Problem } from '#error'
import type { Target } from '#policy'
import type { PullAnswer } from '../ports.ts'
import type { TarballStore } from './tarball-store.ts'

/** One package version that somebody wants to install. */
export interface PackageQuestion {
  /** Its package URL, with the version. */
  readonly name: string
  /** Of the very bytes that will be handed out; lower-case hex. */
  readonly digest: { readonly sha256: string; readonly sha512: string }
  readonly target: Target
  readonly requester: string
  /** Where its attestations are asked for. */
  readonly package: NpmPackage
}

/** What the npm proxy needs of the rest. */
export interface NpmProxyPorts {
  readonly http: HttpClient
  readonly clock: () => Date
  readonly store: TarballStore
  /**
   * Decides through the one way in; resolves when the decision is durable. MUST be bounded in time.
   *
   * @throws SallyportError when it could not be recorded; then nothing may be handed out
   */
  readonly decide: (question: PackageQuestion) => Promise<PullAnswer>
  /** Records a refusal before there are bytes to decide about; resolves when it is durable. */
  readonly refuse: (
    asked: Readonly<Record<string, string>>,
    requester: string,
    problems: readonly Problem[],
  ) => Promise<void>
  /** The answer for people, in one line. */
  readonly explain: (answer: PullAnswer) => string
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
