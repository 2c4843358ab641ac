import type { Target } from '#policy'
import type { RegistryKey } from './registry-signature.ts'

/** A registry, and where what comes from it is meant to run. */
export interface BoundRegistry {
  /** Ends in `/`. */
  readonly url: string
  readonly target: Target
  /** Sent to this registry only, and never told. */
  readonly authorization?: string
}

/** A name written out, or everything that begins so. */
export type NamePattern = string | { readonly prefix: string }

/** How the npm proxy was configured. Names are compared in lower case, so that no spelling escapes a binding. */
export interface NpmProxySettings {
  /** The configuration, for whoever has to change it. */
  readonly file: string
  /** Where everything is that nothing else is bound to. */
  readonly upstream: BoundRegistry
  /** `@scope` to the only registry that is asked for its packages. */
  readonly scopes: ReadonlyMap<string, BoundRegistry>
  /** A package to the only registry that is asked for it. */
  readonly packages: ReadonlyMap<string, BoundRegistry>
  /** Names that are never taken from the upstream. */
  readonly reserved: readonly NamePattern[]
  /** `name` or `name@version`. */
  readonly denied: readonly NamePattern[]
  /** How long a version of the upstream must have been published. */
  readonly minimumAge?: { readonly text: string; readonly milliseconds: number }
  /** `name@version` that need not be so old. */
  readonly minimumAgeExceptions: ReadonlySet<string>
  /** Keys of the upstream by their ids; left out: its signatures are not asked for. */
  readonly signatures?: ReadonlyMap<string, RegistryKey>
  readonly deprecated: 'offer' | 'refuse'
  /** Versions that depend on an address, such as one of Git: npm fetches that past the proxy. */
  readonly addresses: 'offer' | 'refuse'
  /** hide: what is refused is not offered. fail: it is offered, and cannot be had. */
  readonly refused: 'hide' | 'fail'
  /** Hosts, besides that of its registry, on which a tarball may lie. */
  readonly tarballHosts: ReadonlySet<string>
  /** Whether questions about vulnerabilities go to the upstream, without names that are bound elsewhere. */
  readonly audit: 'pass' | 'refuse'
  /** Whether the upstream is asked if it has packages of the names that are bound elsewhere. */
  readonly reportPublic: boolean
  /** How clients reach the proxy; left out: as the request says. */
  readonly address?: string
  /** For one answer of a registry, in milliseconds. */
  readonly upstreamMs: number
  readonly maxPackumentBytes: number
  readonly maxTarballBytes: number
}

export function isListed(name: string, patterns: readonly NamePattern[]): boolean {
  const text = name.toLowerCase()
  return patterns.some((pattern) =>
    typeof pattern === 'string' ? pattern === text : text.startsWith(pattern.prefix),
  )
}
