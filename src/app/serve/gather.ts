import type { Config } from '#config'
import { grantsFor } from './grants-folder.ts'
import { evidenceFromAsk } from './inline.ts'
import {
  formatReference,
  gatherEvidence,
  nameOfSource,
  parseReference,
  registryOf,
  type ByteCache,
  type Credentials,
  type Gathered,
  type HttpClient,
  type NpmPackage,
  type Source,
} from '#evidence'
import { SallyportError, type Problem } from '#error'
import type { DigestSet } from '#attestation'
import type { RememberedEvidence } from './remembered.ts'

/** What evidence is asked for, and in whose words. */
export interface Wanted {
  readonly digest: DigestSet
  /** Where it lies in a registry. */
  readonly reference?: string
  /** Where it lies in an npm registry. The configuration chose the registry, never whoever asks. */
  readonly npm?: NpmPackage
  /** Attestations that came with the request. */
  readonly inline: readonly Source[]
  readonly attached: readonly Uint8Array[]
}

export interface GatherPorts {
  readonly config: Config
  readonly http: HttpClient
  readonly cache: ByteCache
  readonly credentials: () => Promise<Credentials | undefined>
  readonly remembered: RememberedEvidence
}

/** For folders, when the time for everything else is over. */
const hereMs = 200

export interface Found {
  readonly evidence: Gathered
  /** Without what came with the request. */
  readonly shared: Gathered
  readonly key: string
  /** There was no answer in the time given. */
  readonly isLate: boolean
}

/**
 * Looks in every place of the configuration, and in what came with the request. What came with it is never remembered, and
 * counts whatever becomes of the places.
 */
export async function gatherFor(
  wanted: Wanted,
  question: string,
  ports: GatherPorts,
  { now, timeoutMs }: { readonly now: Date; readonly timeoutMs: number },
): Promise<Found> {
  const { remembered } = ports
  const key = keyOf(wanted)
  const look = () => lookOutside(wanted, ports)
  const known = remembered.recall(key, question, now)
  if (known !== undefined) remembered.renew(key, look)
  const options = {
    ms: timeoutMs,
    places: outsideOf(wanted, ports.config).map(nameOfSource),
    lookHere: () => lookHere(wanted, ports),
  }
  const { shared, isLate } =
    known === undefined
      ? await inTime(remembered.look(key, look), options)
      : { shared: known, isLate: false }
  if (wanted.inline.length + wanted.attached.length === 0)
    return { evidence: shared, shared, key, isLate }
  const own = await evidenceFromAsk(wanted)
  const evidence = {
    ...shared,
    items: [...own.items, ...shared.items],
    sources: [...own.sources, ...shared.sources],
    leftOut: (own.leftOut ?? 0) + (shared.leftOut ?? 0),
  }
  return { evidence, shared, key, isLate }
}

interface InTimeOptions {
  readonly ms: number
  /** Where is looked besides. */
  readonly places: readonly string[]
  readonly lookHere: () => Promise<Gathered>
}

/**
 * Waits for who looks, and not for longer than there is time; then there is what lies here. Looking goes on: others may wait for
 * the same, and who is in a hurry must not end it for them. Otherwise a short deadline would be an outage that anybody can cause.
 */
async function inTime(
  looking: Promise<Gathered>,
  { ms, places, lookHere }: InTimeOptions,
): Promise<Pick<Found, 'shared' | 'isLate'>> {
  const late = Promise.withResolvers<never>()
  const tooLate = new SallyportError(noneWithin(ms))
  const timer = setTimeout(() => late.reject(tooLate), ms)
  try {
    return { shared: await Promise.race([looking, late.promise]), isLate: false }
  } catch (error) {
    const here = await lookHere()
    const isLate = error === tooLate
    const [first = 'evidence', ...others] = isLate ? places : []
    const detail = (error instanceof Error ? error.message : String(error)).slice(0, 500)
    const rows = [first, ...others].map(
      (name) => ({ name, outcome: 'unavailable', detail }) as const,
    )
    return { shared: { ...here, sources: [...rows, ...here.sources] }, isLate }
  } finally {
    clearTimeout(timer)
  }
}

function noneWithin(ms: number): Problem {
  return {
    code: 'SERVER_UNAVAILABLE',
    where: 'evidence',
    expected: `an answer of every place within ${(ms / 1000).toFixed(1)} s`,
    found: 'none yet',
    fix: 'Ask again; what is slow is in the metrics of the gate',
  }
}

/** What lies in folders, such as grants that were handed in, counts when nothing else answers. */
async function lookHere({ digest }: Wanted, { config, http }: GatherPorts): Promise<Gathered> {
  const sources = foldersFor(config, digest)
  return await gatherEvidence({ artifact: { digest }, sources, http, timeoutMs: hereMs })
}

function foldersFor(config: Config, digest: DigestSet): readonly Source[] {
  return [...config.evidence.directories, ...grantsFor(config, digest['sha256'] ?? '')].map(
    (folder) => ({ kind: 'directory', folder }),
  )
}

function outsideOf({ reference, npm }: Wanted, { evidence }: Config): readonly Source[] {
  return [
    ...(reference === undefined ? [] : [{ kind: 'registry', reference } as const]),
    ...(npm === undefined ? [] : [{ kind: 'npm', ...npm } as const]),
    ...evidence.stores.map((base): Source => ({ kind: 'http', base })),
  ]
}

async function lookOutside(
  wanted: Wanted,
  { config, http, cache, credentials }: GatherPorts,
): Promise<Gathered> {
  const { digest } = wanted
  const sources = [...outsideOf(wanted, config), ...foldersFor(config, digest)]
  const known = await credentials()
  return await gatherEvidence({
    artifact: { digest },
    sources,
    // Whoever asks chooses the reference: only registries of the configuration are ever asked.
    registries: allowedRegistries(config),
    http,
    cache,
    ...(known === undefined ? {} : { credentials: known }),
    timeoutMs: config.evidence.timeoutMs,
  })
}

/** Under which what was found is remembered. */
export function keyOf({ digest, reference = '', npm }: Wanted): string {
  const inNpm = npm === undefined ? '' : `${npm.registry} ${npm.name}@${npm.version}`
  return `${digest['sha256']} ${reference} ${inNpm}`
}

/** The registries that the configuration names: for evidence, and behind the proxy. */
export function allowedRegistries({ evidence, proxies }: Config): readonly string[] {
  const behind = Object.values(proxies.oci?.upstreams ?? {}).map((address) =>
    registryOf(new URL(address)),
  )
  return [...(evidence.registries.allow ?? []), ...behind]
}

/** A place as registries are asked about it. Its tag stays: it leads to the index that lists the image. */
export function placeOf(reference: string): string {
  return formatReference(parseReference(reference))
}
