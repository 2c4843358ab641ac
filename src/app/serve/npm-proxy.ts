import type { IncomingMessage, ServerResponse } from 'node:http'
import {
  maxNpmQuestionBytes,
  npmReplyOfError,
  npmRouteOf,
  openNpmProxy,
  openTarballStore,
  type NpmProxy,
  type NpmReply,
  type NpmRequest,
} from '#chokepoint'
import type { Config, NpmProxyConfig } from '#config'
import { SallyportError, type Problem } from '#error'
import {
  listen,
  openAccess,
  readBody,
  type AccessOptions,
  type AccessSettings,
  type GateService,
  type Journal,
  type Listener,
  type Metrics,
  type TlsFiles,
} from '#server'
import { openNetwork } from '../artifact/network.ts'
import { sendNpmReply } from './npm-reply.ts'
import { npmSettings, upstreamMs } from './npm-settings.ts'
import { readPackageManifest } from './package-manifest.ts'

export interface NpmProxyParts {
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

/** So many of the largest answers may lie here until they are taken; twice as many, while all are being taken. */
const untakenAnswers = 4

/**
 * Starts the npm proxy of the gate; what it opens is closed with `stack`.
 *
 * @throws SallyportError CONFIG_PROXY, SERVER_LISTEN, SERVER_TLS
 */
export async function startNpmProxy(npm: NpmProxyConfig, parts: NpmProxyParts): Promise<Listener> {
  const { config, journal, metrics, clock, stack, tls } = parts
  const proxy = await openProxy(npm, parts)
  stack.defer(() => proxy.idle())
  // Where nobody looks, 0 would say that there are none.
  if (npm.reportPublic)
    metrics.gauge(
      'sallyport_npm_public_names',
      'Names bound elsewhere that the public npm registry has, too',
      () => proxy.impostors,
    )
  const unwatched = unwatchedNames(npm, config.file)
  if (unwatched.length > 0)
    journal.write('warn', 'names are bound, and nobody looks who else has them', {
      problems: unwatched,
    })
  const { onRefused } = parts
  const routeOf = (url: string): string => `npm ${npmRouteOf('GET', url).kind}`
  const access = openAccess(parts.access, clock, { routeOf, onRefused })
  const requesterOf = async (request: IncomingMessage): Promise<string> =>
    npm.anonymous ? 'anonymous' : (await access.require(request, ['deployer'])).name
  let own = ''
  const handler = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const address = npm.address?.replace(/\/$/, '') ?? addressOf(request, own)
    await sendNpmReply(await replyTo(request, { proxy, address, requesterOf }), request, response)
  }
  const listener = await listen({
    host: npm.host,
    port: npm.port,
    limits: { ...npm.limits, untakenBytes: untakenAnswers * npm.limits.packumentMegabytes * 1e6 },
    ...(tls === undefined ? {} : { tls }),
    handler,
    refuse: (request, response, error) => {
      const known = error instanceof SallyportError ? error : new SallyportError(unforeseen)
      void sendNpmReply(npmReplyOfError(known), request, response)
    },
    onDone: ({ method, url, status, seconds }) => {
      metrics.request({ route: `npm ${npmRouteOf(method, url).kind}`, status, seconds })
    },
    onError: (error, { method }) => journal.error('request failed', error, { method }),
  })
  own = listener.address
  stack.defer(() => listener.drain(config.serve.drainSeconds))
  journal.write('info', 'npm proxy listening', { address: listener.address })
  return listener
}

/** MAT-29: an impostor does nothing here, and is taken by whoever installs without this proxy. */
function unwatchedNames(npm: NpmProxyConfig, file: string): readonly Problem[] {
  const { scopes, packages, reserved, reportPublic } = npm
  const bound = Object.keys(scopes).length + Object.keys(packages).length + reserved.length
  if (reportPublic || bound === 0) return []
  return [
    {
      code: 'NPM_NAMES_UNWATCHED',
      where: `${file} proxies.npm.reportPublic`,
      expected: 'true, so that a public package with a name of yours is reported',
      found: `false, with ${bound} ${bound === 1 ? 'scope or name' : 'scopes and names'} bound or reserved; none of them is ever taken from the upstream`,
      fix: 'Set reportPublic: true, which tells the upstream these names, or see in another way that nobody publishes them there',
    },
  ]
}

async function openProxy(npm: NpmProxyConfig, parts: NpmProxyParts): Promise<NpmProxy> {
  const { config, service, journal, clock, stack } = parts
  // Connections of its own: who installs slowly keeps nobody from evidence.
  const places = { ...config.evidence, timeoutMs: upstreamMs(npm) }
  const network = stack.use(openNetwork(places, npm.limits.concurrent))
  const store = await openTarballStore(npm.cache.folder, {
    maxBytes: npm.cache.maxGigabytes * 1e9,
    onError: (error) => journal.error('cache of the npm proxy failed', error),
  })
  return openNpmProxy(await npmSettings(npm, config.file), {
    ...service.proxyPorts('npm-proxy'),
    http: await network.http(),
    clock,
    store,
    readManifest: readPackageManifest,
    tell: (event, fields) => journal.write('warn', event, fields),
  })
}

interface Answering {
  readonly proxy: NpmProxy
  readonly address: string
  readonly requesterOf: (request: IncomingMessage) => Promise<string>
}

async function replyTo(
  request: IncomingMessage,
  { proxy, address, requesterOf }: Answering,
): Promise<NpmReply> {
  const { method = '', url = '', headers } = request
  const { accept, 'if-none-match': ifNoneMatch, 'content-encoding': encoding } = headers
  const asked: NpmRequest = {
    method,
    url,
    address,
    requester: await requesterOf(request),
    ...(accept === undefined ? {} : { accept }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch }),
    ...(encoding === undefined ? {} : { encoding }),
    body: () => readBody(request, maxNpmQuestionBytes, 'Audit fewer packages at a time'),
  }
  return await proxy.answer(asked)
}

const unforeseen: Problem = {
  code: 'SERVER_INTERNAL',
  where: 'npm proxy',
  expected: 'an answer',
  found: 'an error that was not foreseen; the journal of the gate has it',
  fix: 'Ask again; if it happens again, send the line of the journal to the operator of the gate',
}

/** What npm was told to ask, when that is an address at all. */
function addressOf({ headers: { host = '' } }: IncomingMessage, own: string): string {
  const isHost = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/.test(
    host,
  )
  return isHost ? `${new URL(own).protocol}//${host}` : own
}
