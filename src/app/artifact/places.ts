import { stat } from 'node:fs/promises'
import type { Evidence, EvidenceSource } from '#decision'
import { quote, SallyportError } from '#error'
import { findBesideFile, gatherEvidence, type Source } from '#evidence'
import type { Network } from './network.ts'
import type { FoundArtifact } from './resolve.ts'

export interface PlaceOptions {
  /** Files of evidence: then no other place is looked at but those of `evidence`. */
  readonly bundles: readonly string[]
  /** Files of grants, besides whatever else is looked at. */
  readonly grants?: readonly string[]
  /** Folders and stores to look in besides: a path, or an address. */
  readonly evidence?: readonly string[]
}

/** What was found, and what a reader wants to see of where it was looked for. */
export interface Looked {
  readonly evidence: Evidence
  /** Places that are more than files beside the artifact; each found, absent, or unavailable and why. */
  readonly places: readonly EvidenceSource[]
  /**
   * Those that could not be asked and that whoever asks has chosen: a registry that no list allows, a place named at the
   * command line. Who may choose an outage could choose to be let in by it.
   */
  readonly chosenOutages: readonly EvidenceSource[]
}

const maxPlaces = 30

/**
 * Looks for evidence about an artifact: where it lies by its nature, in the places of the configuration, and in those that
 * the person named. Bounded in time; what cannot be asked is `unavailable`, and nothing else is lost by it.
 *
 * @throws SallyportError for what the person named and is not there
 */
export async function lookForEvidence(
  artifact: FoundArtifact,
  network: Network,
  options: PlaceOptions,
): Promise<Looked> {
  const { configured, chosen } = await sourcesOf(artifact, network, options)
  const [files, others] = await Promise.all([
    lookInFiles(artifact, options),
    lookElsewhere(artifact, [...configured, ...chosen], network),
  ])
  // Each source is one row, in the order of the sources.
  const isChosen = (_: EvidenceSource, at: number): boolean => at >= configured.length
  return {
    evidence: {
      ...others,
      items: [...files.items, ...others.items],
      sources: [...files.sources, ...others.sources],
    },
    places: others.sources,
    chosenOutages: others.sources
      .filter(isChosen)
      .filter(({ outcome }) => outcome === 'unavailable'),
  }
}

const nothing: Evidence = { items: [], sources: [] }

/** A question about a file alone needs no HTTP, and does not load it. */
async function lookInFiles(
  artifact: FoundArtifact,
  { bundles, grants = [] }: PlaceOptions,
): Promise<Evidence> {
  const beside =
    artifact.kind === 'file' ? findBesideFile(artifact.typed, { bundles }) : inFiles(bundles)
  const [own, granted] = await Promise.all([beside, inFiles(grants)])
  const known = new Set(own.items.map(({ digest }) => digest))
  return {
    items: [...own.items, ...granted.items.filter(({ digest }) => !known.has(digest))],
    sources: [...own.sources, ...granted.sources],
  }
}

function inFiles(bundles: readonly string[]): Promise<Evidence> {
  return bundles.length === 0 ? Promise.resolve(nothing) : findBesideFile('', { bundles })
}

async function lookElsewhere(
  { digest }: FoundArtifact,
  sources: readonly Source[],
  network: Network,
): Promise<Evidence> {
  if (sources.length === 0) return nothing
  const { places, cache, signal } = network
  const needsThem = sources.some(({ kind }) => kind === 'registry')
  const credentials = needsThem ? await network.credentials() : undefined
  const registries = sources.flatMap((one) =>
    one.kind === 'registry' ? (places.registries.allow ?? [hostOf(one.reference)]) : [],
  )
  return await gatherEvidence({
    artifact: { digest },
    sources,
    registries,
    http: await network.http(),
    ...(credentials === undefined ? {} : { credentials }),
    cache,
    timeoutMs: places.timeoutMs,
    signal,
  })
}

function hostOf(reference: string): string {
  return reference.slice(0, reference.indexOf('/'))
}

interface Sources {
  readonly configured: readonly Source[]
  /** By whoever asks, and by nobody else. */
  readonly chosen: readonly Source[]
}

async function sourcesOf(
  { source }: FoundArtifact,
  { places }: Network,
  { bundles, evidence = [] }: PlaceOptions,
): Promise<Sources> {
  const named = await Promise.all(evidence.map(sourceAt))
  const own = source === undefined || source.kind === 'beside' || bundles.length > 0 ? [] : [source]
  const isListed = places.registries.allow !== undefined || source?.kind !== 'registry'
  const configured =
    bundles.length > 0
      ? []
      : [
          ...places.directories.map((folder): Source => ({ kind: 'directory', folder })),
          ...places.stores.map((base): Source => ({ kind: 'http', base })),
        ]
  const all = isListed
    ? { configured: [...own, ...configured], chosen: named }
    : { configured, chosen: [...own, ...named] }
  const count = all.configured.length + all.chosen.length
  if (count <= maxPlaces) return all
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: '--evidence',
    expected: `at most ${maxPlaces} places together with those of sallyport.yaml`,
    found: `${count}`,
    fix: 'Name fewer places',
  })
}

/** A place as a person names it. A folder that is not there is their mistake, and no outage. */
async function sourceAt(place: string): Promise<Source> {
  if (/^https?:\/\//.test(place)) return { kind: 'http', base: checkAddress(place) }
  const info = await stat(place).catch(() => undefined)
  if (info?.isDirectory() === true) return { kind: 'directory', folder: place }
  throw new SallyportError({
    code: 'FILE_NOT_FOUND',
    where: place,
    expected: 'a folder of attestations, or the https address of a store of them',
    found: info === undefined ? 'nothing there' : 'something that is no folder',
    fix:
      info === undefined
        ? `Correct the path ${quote(place)}`
        : `Name a file of attestations with --bundle ${quote(place)}`,
  })
}

function checkAddress(place: string): string {
  const url = URL.parse(place)
  if (url !== null && url.username === '' && url.password === '' && !/[?#]/.test(place))
    return place
  throw new SallyportError({
    code: 'USAGE_VALUE',
    where: '--evidence',
    expected: 'an address such as https://evidence.example/store, without name, password and query',
    found: 'another',
    fix: 'Correct the address',
  })
}
