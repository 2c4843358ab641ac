import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { Config, OciProxyConfig } from '#config'
import {
  openBlobCache,
  openHints,
  openOciProxy,
  refuseOci,
  type BlobCache,
  type NameMapping,
  type ProxiedRegistry,
} from '#chokepoint'
import { SallyportError } from '#error'
import { openUpstream, registryOf, type Credentials, type HttpClient } from '#evidence'
import {
  listen,
  openAccess,
  type AccessOptions,
  type AccessSettings,
  type GateService,
  type Journal,
  type Listener,
  type Metrics,
  type TlsFiles,
} from '#server'
import { openNetwork } from '../artifact/network.ts'

export interface OciProxyParts {
  readonly config: Config
  readonly service: GateService
  readonly access: AccessSettings
  readonly tls: TlsFiles | undefined
  readonly journal: Journal
  readonly metrics: Metrics
  readonly clock: () => Date
  /** Told of everybody who is refused. MUST NOT throw. */
  readonly onRefused: AccessOptions['onRefused']
  /** What is open, to be closed in the opposite order. */
  readonly stack: AsyncDisposableStack
}

const maxTokens = 10_000
/** Longer than evidence is looked for and a registry is waited for together. */
const stallMs = 120_000

/**
 * Starts the registry that containers are pulled through.
 *
 * @throws SallyportError CONFIG_PROXY, SERVER_LISTEN, SERVER_TLS
 */
export async function startOciProxy(oci: OciProxyConfig, parts: OciProxyParts): Promise<Listener> {
  const { config, service, journal, metrics, clock, stack, tls } = parts
  // Connections of its own: who pulls slowly keeps nobody from evidence.
  const network = stack.use(openNetwork(config.evidence, oci.limits.concurrent))
  const http = await network.http()
  checkProxy(oci, parts, http)
  const onError = (error: unknown): void => journal.error('cache of the OCI proxy failed', error)
  const { folder, maxGigabytes } = oci.cache
  const cache = await openBlobCache({ folder, maxBytes: Math.floor(maxGigabytes * 1e9), onError })
  const hints = await openHints({ file: join(folder, 'hints'), onError })
  stack.defer(() => hints.settled())
  measure(cache, metrics)
  const proxy = openOciProxy({
    registries: await registriesOf(oci, http, () => network.credentials()),
    mapping: mappingOf(oci, config),
    ports: service.proxyPorts('oci-proxy'),
    identify: identifier(oci, parts),
    cache,
    hints,
    clock,
    tell: (event, fields, error) =>
      error === undefined
        ? journal.write('info', event, fields)
        : journal.error(event, error, fields),
    limits: {
      askMs: config.evidence.timeoutMs,
      blobMs: oci.limits.blobSeconds * 1000,
      stallMs,
    },
  })
  const { host, port, limits } = oci
  const listener = await listen({
    host,
    port,
    limits,
    ...(tls === undefined ? {} : { tls }),
    handler: proxy,
    refuse: (_, response, error) => refuseOci(response, error),
    onDone: ({ url, status, seconds }) => metrics.request({ route: routeOf(url), status, seconds }),
    onError: (error, { method }) => journal.error('pull failed', error, { method }),
  })
  stack.defer(() => listener.drain(config.serve.drainSeconds))
  journal.write('info', 'OCI proxy listening', { address: listener.address })
  return listener
}

function checkProxy(
  oci: OciProxyConfig,
  { config, access }: OciProxyParts,
  http: Pick<HttpClient, 'schemeOf'>,
): void {
  const { file } = config
  const wrong = Object.entries(oci.upstreams).filter(([, address]) => {
    const { protocol, host } = new URL(address)
    return protocol !== http.schemeOf(host)
  })
  const problems = wrong.map(([name, address]) => ({
    code: 'CONFIG_PROXY' as const,
    where: `${file} proxies.oci.upstreams ${name}`,
    expected: `an address that begins with ${http.schemeOf(new URL(address).host)}`,
    found: address,
    fix: 'Write https:, or list the host in evidence.registries.plainHttp if it really speaks no TLS',
  }))
  const known = access.tokens.length + access.certificates.length + access.oidc.length
  const nobody = {
    code: 'CONFIG_PROXY' as const,
    where: `${file} proxies.oci.anonymous`,
    expected: 'somebody who may pull: "anonymous: true", or a deployer under "access"',
    found: 'nobody',
    fix: 'Add "anonymous: true" to proxies.oci if whoever reaches its port may pull what policies allow',
  }
  SallyportError.throwAll([...problems, ...(oci.anonymous || known > 0 ? [] : [nobody])])
}

async function registriesOf(
  { upstreams }: OciProxyConfig,
  http: HttpClient,
  read: () => Promise<Credentials | undefined>,
): Promise<ReadonlyMap<string, ProxiedRegistry>> {
  // Read anew each time: a token of a cloud's registry lives for hours.
  const credentials: Credentials = {
    find: async (registry, repository) => (await read())?.find(registry, repository),
  }
  const tokens = boundedTokens()
  const entries = Object.entries(upstreams).map(async ([name, text]) => {
    const address = new URL(text)
    const upstream = await openUpstream(address, { http, credentials, tokens })
    return [name, { upstream, registry: registryOf(address) }] as const
  })
  return new Map(await Promise.all(entries))
}

/** What registries gave, by repository: clients choose how many there are. */
function boundedTokens(): Map<string, Promise<string>> {
  const tokens = new Map<string, Promise<string>>()
  const set = tokens.set.bind(tokens)
  tokens.set = (key, token) => {
    const [oldest] = tokens.keys()
    if (tokens.size >= maxTokens && oldest !== undefined) tokens.delete(oldest)
    return set(key, token)
  }
  return tokens
}

function mappingOf({ targets }: OciProxyConfig, { file }: Config): NameMapping {
  const exact = targets.flatMap((one) =>
    'repository' in one ? [[one.repository, targetIn(one)] as const] : [],
  )
  const prefixes = targets.flatMap((one) =>
    'prefix' in one ? [[one.prefix, targetIn(one)] as const] : [],
  )
  return {
    file,
    where: 'proxies.oci.targets',
    exact: new Map(exact),
    prefixes: new Map(prefixes),
  }
}

function targetIn({ environment, service }: { environment: string; service: string }) {
  return { environment, service }
}

/** Who pulls. Clients of registries know names and passwords: then the password is the token. */
function identifier(
  { anonymous }: OciProxyConfig,
  { access, clock, onRefused }: OciProxyParts,
): (request: IncomingMessage) => Promise<string> {
  if (anonymous) return () => Promise.resolve('anonymous')
  const who = openAccess(access, clock, {
    routeOf,
    // Every client begins by asking without a name, to hear how it should give one.
    onRefused: (refused) => {
      if (refused.offered) onRefused(refused)
    },
  })
  return async (request) => {
    const { headers } = request
    const [, basic] =
      /^Basic ([A-Za-z0-9+/]{1,20000}={0,2})$/i.exec(headers.authorization ?? '') ?? []
    const pair = basic === undefined ? '' : Buffer.from(basic, 'base64').toString('latin1')
    const authorization =
      basic === undefined ? headers.authorization : `Bearer ${pair.slice(pair.indexOf(':') + 1)}`
    // The same request otherwise: its other headers, its connection and its place count, too.
    const asked = Object.create(request, {
      headers: { value: { ...headers, authorization } },
    }) as IncomingMessage
    return (await who.require(asked, ['deployer'])).name
  }
}

function measure(cache: BlobCache, metrics: Metrics): void {
  const help = 'Bytes of images on the disk of the OCI proxy'
  metrics.gauge('sallyport_oci_cache_bytes', help, () => cache.bytes)
}

/** How a request is counted: whoever asks may not choose how many rows there are. */
function routeOf(url: string): string {
  const [, kind] = /\/(manifests|blobs|tags|referrers)\/[^/]*$/.exec(url.split('?')[0] ?? '') ?? []
  return kind === undefined ? 'oci' : `oci/${kind}`
}
