import type { Config, EvidencePlaces, NpmProxyConfig } from '#config'
import { quote, SallyportError } from '#error'
import { askAsAnybody, openUpstream, type HttpClient } from '#evidence'
import { parseArtifactName } from '../artifact/name.ts'
import { connect, openNetwork, type Network } from '../artifact/network.ts'
import { npmSettings } from '../serve/npm-settings.ts'
import type { Way } from './outcome.ts'
import {
  eachPulled,
  imageOf,
  packageOf,
  type Artifact,
  type Image,
  type Package,
} from './pulled.ts'

/** What is known about the ways past the proxies. */
export interface Registries {
  readonly ways: readonly Way[]
  readonly notes: readonly string[]
}

/** A registry, and what nobody but the gate should be given there. */
interface Direct {
  readonly artifact: string
  readonly host: string
  /** The setting that says that it is given to everybody. */
  readonly setting: string
  readonly isPublic: boolean
  /** What somebody is told who shows nothing. */
  anybody(network: Network): Promise<{ readonly status: number; readonly served: boolean }>
  /** Whether it is there, for the gate. */
  isThere(network: Network): Promise<boolean>
}

export interface RegistriesOptions {
  /** The home folder, where there is one: its proxies are looked past. */
  readonly config: Config | undefined
  /** How registries are reached. */
  readonly evidence: EvidencePlaces
  /** Images and packages, as they are named at a command line. */
  readonly named: readonly string[]
}

/**
 * Asks registries without the gate, and without any credential, for what was named, and those behind proxies of the
 * configuration else for the newest that the gate has let through. Only manifests and descriptions of packages are asked for.
 *
 * @throws SallyportError EVIDENCE_REFERENCE, PACKAGE_URL, USAGE_VALUE, CONFIG_…
 */
export async function tryRegistries(options: RegistriesOptions): Promise<Registries> {
  const { config, evidence, named } = options
  const places = config === undefined ? [] : placesOf(config)
  const asked: Asked = new Map(places.map((place) => [place, []]))
  const elsewhere = named.map(artifactOf).filter((artifact) => !takes(asked, artifact))
  const unread = config === undefined ? undefined : await addPulled(config, asked)
  const nothing = [...asked].filter(([, some]) => some.length === 0)
  const ways: Way[] = nothing.map(([place]) => nothingKnown(place, unread))
  const notes: string[] = []
  const all = [...asked.values(), elsewhere.map((artifact) => unproxied(artifact, evidence))]
  for (const direct of all.flat()) {
    const way = await tryOne(evidence, direct)
    if (way.outcome === 'open' && direct.isPublic) notes.push(publicNote(direct))
    else ways.push(way)
  }
  return { ways, notes }
}

/** What is asked for in each place. */
type Asked = Map<Place, Direct[]>

/** Whether one of the places has it; then it is asked for there. */
function takes(asked: Asked, artifact: Artifact): boolean {
  for (const [place, some] of asked) {
    const direct = place.direct(artifact)
    if (direct === undefined) continue
    some.push(direct)
    return true
  }
  return false
}

/** What no proxy of the configuration has, such as on a node, which has no configuration of the gate. */
function unproxied(artifact: Artifact, { npmRegistry }: EvidencePlaces): Direct {
  if (artifact.kind === 'npm') {
    return npmPackage(artifact, withSlash(npmRegistry ?? 'https://registry.npmjs.org'))
  }
  const { registry } = artifact
  // Docker's hub answers at another name than the one people write.
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  return image(artifact, host, [])
}

/** A registry of the configuration. */
interface Place {
  readonly name: string
  /** Undefined for what is not pulled from there. */
  direct(artifact: Artifact): Direct | undefined
}

function placesOf(config: Config): readonly Place[] {
  const { oci, npm } = config.proxies
  const registries = Object.entries(oci?.upstreams ?? {}).map(([name, address]): Place => ({
    name,
    direct: (artifact) =>
      artifact.kind === 'oci' && artifact.registry === name
        ? image(artifact, new URL(address).host, oci?.public ?? [])
        : undefined,
  }))
  return npm === undefined ? registries : [...registries, ...npmPlaces(npm, config.file)]
}

function image(
  { registry, repository, reference }: Image,
  host: string,
  publicPrefixes: readonly string[],
): Direct {
  const addressOf = (http: HttpClient): URL => new URL(`${http.schemeOf(host)}//${host}`)
  const sign = reference.startsWith('sha256:') ? '@' : ':'
  return {
    artifact: `oci://${registry}/${repository}${sign}${reference}`,
    host,
    setting: 'proxies.oci.public',
    isPublic: publicPrefixes.some((prefix) => `${registry}/${repository}`.startsWith(prefix)),
    async anybody(network) {
      const [http, { signal }] = [await network.http(), network]
      return await askAsAnybody(addressOf(http), repository, reference, { http, signal })
    },
    async isThere(network) {
      const { http, credentials } = await connect(network)
      if (credentials === undefined) return false
      const upstream = await openUpstream(addressOf(http), { http, credentials, tokens: new Map() })
      const found = await upstream.repository(repository, network.signal).manifest(reference)
      return found !== undefined
    },
  }
}

function npmPlaces(npm: NpmProxyConfig, file: string): readonly Place[] {
  const own = new Map<string, Place>()
  const bounds = [npm.upstream, ...Object.values(npm.scopes), ...Object.values(npm.packages)]
  for (const bound of bounds) {
    const registry = withSlash(typeof bound === 'string' ? bound : bound.registry)
    own.set(registry, {
      name: registry,
      direct: (artifact) =>
        artifact.kind === 'npm' && registryOf(artifact, npm) === registry
          ? npmPackage(artifact, registry, { npm, file })
          : undefined,
    })
  }
  return [...own.values()]
}

/** Where a package is bound to, as the proxy does it; what was recorded says it itself. */
function registryOf({ name, registry }: Package, npm: NpmProxyConfig): string {
  const [scope = ''] = name.split('/')
  const own = <T>(all: Readonly<Record<string, T>>, key: string): T | undefined =>
    Object.hasOwn(all, key) ? all[key] : undefined
  const bound = own(npm.packages, name) ?? own(npm.scopes, scope) ?? npm.upstream
  return withSlash(registry ?? (typeof bound === 'string' ? bound : bound.registry))
}

function withSlash(registry: string): string {
  return registry.endsWith('/') ? registry : `${registry}/`
}

function npmPackage(
  { name }: Package,
  registry: string,
  proxy?: { readonly npm: NpmProxyConfig; readonly file: string },
): Direct {
  const url = new URL(name.replace('/', '%2f'), registry)
  return {
    artifact: `npm package ${name}`,
    host: url.host,
    setting: 'proxies.npm.public',
    isPublic: proxy?.npm.public.some((one) => withSlash(one) === registry) === true,
    async anybody(network) {
      return await askForPackument(url, await network.http(), network)
    },
    async isThere(network) {
      if (proxy === undefined) return false
      const { upstream, scopes, packages } = await npmSettings(proxy.npm, proxy.file)
      const all = [upstream, ...scopes.values(), ...packages.values()]
      const bound = all.find((one) => one.url === registry && one.authorization !== undefined)
      if (bound?.authorization === undefined) return false
      const { authorization } = bound
      return (await askForPackument(url, await network.http(), network, authorization)).served
    },
  }
}

const maxPackumentBytes = 64 * 1024 * 1024

/** Only whether it is served: nothing of it is read. */
async function askForPackument(
  url: URL,
  http: HttpClient,
  { signal }: Network,
  authorization?: string,
) {
  const { status, headers, content } = await http.stream(url, {
    what: 'a description of the package',
    accept: 'application/vnd.npm.install-v1+json, application/json',
    maxBytes: maxPackumentBytes,
    signal,
    ...(authorization === undefined ? {} : { authorization }),
  })
  await content?.return(undefined)
  const isJson = /[/+]json\b/.test(headers['content-type'] ?? '')
  return { status, served: status === 200 && isJson }
}

function artifactOf(name: string): Artifact {
  const parsed = parseArtifactName(name)
  if (parsed.kind === 'oci') return imageOf(name)
  if (parsed.kind === 'npm') return packageOf(name)
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: `--pull ${quote(name, 200)}`,
    expected: 'an image (oci://HOST/NAME@sha256:HEX) or a package (pkg:npm/NAME@VERSION)',
    found: `a ${parsed.kind}`,
    fix: 'Name an image or package as people pull it',
  })
}

/** Where nothing was named, what the gate has let through. Gives why the log cannot be read, as where it is kept elsewhere. */
async function addPulled(config: Config, asked: Asked): Promise<string | undefined> {
  const open: Asked = new Map([...asked].filter(([, some]) => some.length === 0))
  if (open.size === 0) return undefined
  const take = (artifact: Artifact): boolean => {
    takes(open, artifact)
    for (const [place, some] of open) if (some.length > 0) open.delete(place)
    return open.size > 0
  }
  try {
    await eachPulled(config, take)
    return undefined
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    return `the log cannot be read (${error.code})`
  }
}

function nothingKnown({ name }: Place, unread: string | undefined): Way {
  const why = unread ?? 'the gate has let nothing through from there'
  return {
    outcome: 'unknown',
    way: `past the proxy, at ${name}`,
    why: `${why}: name something that is there with --pull`,
  }
}

async function tryOne(evidence: EvidencePlaces, direct: Direct): Promise<Way> {
  const { artifact, host } = direct
  const way = `past the proxy: ${artifact} at ${host}`
  await using network = openNetwork(evidence)
  try {
    const { status, served } = await direct.anybody(network)
    if (served) return openWay(way, direct)
    if (status === 401 || status === 403) return closed(way, `${host} (status ${status})`)
    if (status !== 404 && status !== 410) {
      return { outcome: 'unknown', way, why: `status ${status}, and not what was asked for` }
    }
    // Many hide what is not for everybody.
    if (await direct.isThere(network)) {
      return closed(way, `${host} (status ${status}, and it is there for the gate)`)
    }
    const why = `status ${status}: nothing there, or hidden; name something that is there with --pull`
    return { outcome: 'unknown', way, why }
  } catch (error) {
    if (!(error instanceof SallyportError) || error.code !== 'EVIDENCE_SOURCE_UNAVAILABLE')
      throw error
    return { outcome: 'unknown', way, why: `${error.where}: ${error.found}` }
  }
}

function closed(way: string, by: string): Way {
  return { outcome: 'closed', way, by }
}

function openWay(way: string, { host, setting }: Direct): Way {
  return {
    outcome: 'open',
    way,
    found: 'it is served to whoever asks, without the gate',
    fix: `Let ${host} serve nobody but the gate; where it serves everybody, keep nodes and builds from it by their network, and list it in ${setting}`,
  }
}

function publicNote({ artifact, host, setting }: Direct): string {
  return `${host} serves ${artifact} to everybody, as ${setting} says: only a network that keeps nodes and builds from it closes this way`
}
