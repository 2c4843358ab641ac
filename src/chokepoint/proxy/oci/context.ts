import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Upstream } from '#evidence'
import type { ProxyPorts } from '../ports.ts'
import type { NameMapping } from '../targets.ts'
import type { AllowedImages } from './allowed.ts'
import type { BlobCache } from './blob-cache.ts'
import type { Growing } from './growing.ts'
import type { Hints } from './hints.ts'
import type { SharedWork } from './shared-work.ts'

/** A registry behind the proxy. */
export interface ProxiedRegistry {
  readonly upstream: Upstream
  /** Its name where evidence is looked for: the host that is spoken to. */
  readonly registry: string
}

export interface OciProxyOptions {
  /** By the name that images have. */
  readonly registries: ReadonlyMap<string, ProxiedRegistry>
  readonly mapping: NameMapping
  readonly ports: ProxyPorts
  /**
   * Who asks.
   *
   * @throws SallyportError ACCESS_*
   */
  readonly identify: (request: IncomingMessage) => Promise<string>
  readonly cache: BlobCache
  readonly hints: Hints
  readonly clock: () => Date
  /** For the journal. MUST NOT throw. */
  readonly tell: (event: string, fields: Readonly<Record<string, unknown>>, error?: unknown) => void
  readonly limits: {
    /** For one answer of a registry that is no blob, in milliseconds. */
    readonly askMs: number
    /** For one blob, from the question to its last byte. */
    readonly blobMs: number
    /** How long a client may take nothing. */
    readonly stallMs: number
  }
}

/** How it ended to fetch a blob: it is there, the registry has none, or there was no room for it on this disk. */
export type Filled = 'done' | 'unknown' | 'unkept'

/** One request. */
export interface Call extends OciProxyOptions {
  readonly allowed: AllowedImages
  /** Blobs that are being fetched into the cache, by repository and digest: whoever wants one, or a part, waits for the same. */
  readonly filling: SharedWork<Growing, Filled>
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requester: string
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal
}
