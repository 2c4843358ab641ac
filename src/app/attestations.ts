import { basename } from 'node:path'
import { parseAttestation, splitAttestations } from '#attestation'
import type { EvidenceItem, EvidenceSource } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { digestFile, findBesideFile } from '#evidence'
import { parseArtifactName } from './artifact/name.ts'
import type { Network } from './artifact/network.ts'
import { lookForEvidence, type PlaceOptions } from './artifact/places.ts'
import { findArtifact } from './artifact/resolve.ts'
import { readRegular } from './read-regular.ts'

/** What a person pointed at: an artifact with what is beside it, or a file of attestations. */
export interface Pointed {
  /** Absent when the file itself holds attestations. */
  readonly artifact?: {
    readonly name: string
    readonly digest: Readonly<Record<string, string>>
    readonly size?: number
    /** The tag that led to the digest. */
    readonly tag?: string
  }
  readonly items: readonly EvidenceItem[]
  readonly sources: readonly EvidenceSource[]
}

/** Finds the attestations that a file holds, or, when it is an artifact, those beside it or in the named files. */
export async function findAttestations(
  file: string,
  bundles: readonly string[] = [],
): Promise<Pointed> {
  const own = bundles.length === 0 ? await attestationsIn(file) : undefined
  if (own !== undefined) return own
  const { digest, size } = await digestFile(file)
  const { items, sources } = await findBesideFile(file, { bundles })
  return { artifact: { name: basename(file), digest, size }, items, sources }
}

/**
 * Finds the attestations that a file holds, or those about an artifact: where they lie by its nature, and in every place
 * that is configured or named.
 */
export async function findAttestationsAnywhere(
  text: string,
  network: Network,
  options: PlaceOptions,
): Promise<Pointed> {
  const { kind } = parseArtifactName(text)
  const own =
    kind === 'file' && options.bundles.length === 0 ? await attestationsIn(text) : undefined
  if (own !== undefined) return own
  const found = await findArtifact(text, network)
  const { evidence } = await lookForEvidence(found, network, options)
  const { name, digest, size, tag } = found
  const artifact = {
    name,
    digest,
    ...(size === undefined ? {} : { size }),
    ...(tag === undefined ? {} : { tag }),
  }
  const { items, signatures = [], sources } = evidence
  return { artifact, items: [...items, ...signatures], sources }
}

const maxBytes = 32 * 1024 * 1024

/** What cannot be read is told by who reads it as an artifact. */
async function attestationsIn(file: string): Promise<Pointed | undefined> {
  const bytes = await readRegular(file, maxBytes).catch(() => undefined)
  if (bytes === undefined) return undefined
  const parts = splitOrNothing(bytes)
  if (!parts.some(isAttestation)) return undefined
  const items = parts.map((bytes) => ({ digest: sha256Hex(bytes), source: file, bytes }))
  return { items, sources: [{ name: file, outcome: 'found' }] }
}

/** A binary artifact may look like thousands of lines; then it is no file of attestations. */
function splitOrNothing(bytes: Uint8Array): readonly Uint8Array[] {
  try {
    return splitAttestations(bytes)
  } catch (error) {
    if (error instanceof SallyportError) return []
    throw error
  }
}

function isAttestation(bytes: Uint8Array): boolean {
  try {
    parseAttestation(bytes)
    return true
  } catch (error) {
    if (error instanceof SallyportError) return false
    throw error
  }
}
