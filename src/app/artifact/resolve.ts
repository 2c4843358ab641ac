import { basename } from 'node:path'
import { quote, SallyportError } from '#error'
import {
  digestFile,
  formatReference,
  resolveInNpmRegistry,
  resolveInRegistry,
  type Reference,
  type Source,
} from '#evidence'
import { meantReference, parseArtifactName, type ArtifactName } from './name.ts'
import { connect, type Network } from './network.ts'

/** An artifact, found: from here on its digest is what is decided about. */
export interface FoundArtifact {
  readonly kind: ArtifactName['kind']
  /** As decisions call it. */
  readonly name: string
  readonly digest: Readonly<Record<string, string>> & { readonly sha256: string }
  readonly size?: number
  /** The tag that was asked for, which led to this digest now and may lead elsewhere later. */
  readonly tag?: string
  /** What to type to mean this very artifact again. */
  readonly typed: string
  /** Where evidence about it lies by its nature; of a file, beside it. */
  readonly source?: Source
}

/**
 * Finds what a person named, and says which bytes that is. A tag is resolved once.
 *
 * @throws SallyportError EVIDENCE_… for a name that is none, for what is not there, and for a registry that cannot be
 *   asked: of an artifact without digest there is nothing to decide
 */
export async function findArtifact(text: string, network: Network): Promise<FoundArtifact> {
  const name = parseArtifactName(text)
  switch (name.kind) {
    case 'file':
      return findFile(name.path)
    case 'digest':
      return { kind: 'digest', name: text, digest: { sha256: name.sha256 }, typed: text }
    case 'oci':
      return findImage(name.reference, network)
    case 'npm':
      return findPackage(name, network)
  }
}

async function findFile(path: string): Promise<FoundArtifact> {
  const { digest, size } = await digestFile(path).catch((error: unknown) => {
    throw hinted(error, path)
  })
  const source: Source = { kind: 'beside', artifact: path }
  return { kind: 'file', name: basename(path), digest, size, typed: path, source }
}

/** A path that is not there and could be an image: whoever comes from docker writes no scheme. */
function hinted(error: unknown, path: string): unknown {
  if (!(error instanceof SallyportError) || error.code !== 'EVIDENCE_FILE_MISSING') return error
  const reference = meantReference(path)
  const [first] = error.problems
  if (reference === undefined || first === undefined) return error
  const fix = `Write ${quote(reference, 400)} if it is an image in a registry, or correct the path`
  return new SallyportError({ ...first, fix }, { cause: error })
}

async function findImage(reference: Reference, network: Network): Promise<FoundArtifact> {
  const { http, credentials } = await connect(network)
  const { registries } = network.places
  // The person at the command line named the registry; a list in the configuration has the last word.
  const allowed = registries.allow ?? [reference.registry]
  const { name, digest } = await resolveInRegistry(formatReference(reference), {
    registries: allowed,
    http,
    ...(credentials === undefined ? {} : { credentials }),
    cache: network.cache,
    timeoutMs: network.places.timeoutMs,
    signal: network.signal,
  })
  const { tag } = reference
  return {
    kind: 'oci',
    name,
    digest: { sha256: digest },
    typed: `oci://${name}`,
    ...(tag === undefined ? {} : { tag }),
    source: { kind: 'registry', reference: name },
  }
}

type PackageName = Extract<ArtifactName, { kind: 'npm' }>

async function findPackage(
  { purl, name, version }: PackageName,
  network: Network,
): Promise<FoundArtifact> {
  const registry = network.places.npmRegistry
  if (registry === undefined) throw noRegistry(purl)
  const http = await network.http()
  const wanted = { registry, name, version }
  const { digest, size } = await resolveInNpmRegistry(wanted, { http, signal: network.signal })
  const source: Source = { kind: 'npm', ...wanted }
  return { kind: 'npm', name: purl, digest, size, typed: purl, source }
}

function noRegistry(purl: string): SallyportError {
  return new SallyportError({
    code: 'CONFIG_NO_NPM_REGISTRY',
    where: 'sallyport.yaml evidence.npm.registry',
    expected: `the address of the registry that has ${quote(purl, 200)}`,
    found: 'nothing: no registry is asked unless somebody has named it',
    fix: 'Add `evidence: {npm: {registry: ADDRESS}}` to sallyport.yaml, with what `npm config get registry` prints',
  })
}
