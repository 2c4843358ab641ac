import { splitAttestations } from '#attestation'
import type { Evidence, EvidenceItem, EvidenceSource } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { readBounded } from './read-bounded.ts'

/** What tools append to the name of the artifact, in the order in which the files are looked at. */
export const besideSuffixes = [
  '.sigstore.jsonl',
  '.sigstore.json',
  '.sigstore',
  '.bundle',
  '.intoto.jsonl',
  '.build.slsa',
  '.att',
  '.jwt',
] as const

export interface BesideFileOptions {
  /** Files named by the user. When there are any, nothing else is looked at, and each must exist. */
  readonly bundles?: readonly string[]
}

const maxFileBytes = 32 * 1024 * 1024
const maxBytes = 64 * 1024 * 1024
const maxItems = 2048

/**
 * Finds the attestations that lie beside an artifact, or in the files that the user named. Every place looked
 * at is a source: `found`, `absent` (no such file, or nothing in it) or `unavailable` (it is there and could
 * not be taken, `detail` says why). An attestation that lies in two files is taken once.
 *
 * @throws SallyportError EVIDENCE_FILE_MISSING when a file that the user named does not exist
 * @throws TypeError for unknown options
 */
export async function findBesideFile(
  artifactPath: string,
  options: BesideFileOptions = {},
): Promise<Evidence> {
  const { bundles = [], ...unknown } = options
  const [option] = Object.keys(unknown)
  if (option !== undefined) throw new TypeError(`unknown option of findBesideFile: ${option}`)
  const isNamed = bundles.length > 0
  const paths = isNamed ? bundles : besideSuffixes.map((suffix) => `${artifactPath}${suffix}`)
  const items = new Map<string, EvidenceItem>()
  const sources: EvidenceSource[] = []
  for (const path of new Set(paths)) sources.push(await takeFile(path, isNamed, items))
  return { items: [...items.values()], sources }
}

/** Takes the attestations of one file into `items`, all of them or none. */
async function takeFile(
  path: string,
  isNamed: boolean,
  items: Map<string, EvidenceItem>,
): Promise<EvidenceSource> {
  try {
    const parts = splitAttestations(await readBounded(path, maxFileBytes))
    if (parts.length === 0) return { name: path, outcome: 'absent', detail: 'the file is empty' }
    const added = parts.map((bytes) => ({ digest: sha256Hex(bytes), source: path, bytes }))
    const full = tooMany([...items.values(), ...added])
    if (full !== undefined) return { name: path, outcome: 'unavailable', detail: full }
    for (const item of added) if (!items.has(item.digest)) items.set(item.digest, item)
    return { name: path, outcome: 'found' }
  } catch (cause) {
    if (!(cause instanceof SallyportError)) throw cause
    if (cause.code !== 'EVIDENCE_FILE_MISSING') return unavailable(path, cause)
    if (isNamed) throw cause
    return { name: path, outcome: 'absent' }
  }
}

function unavailable(path: string, cause: SallyportError): EvidenceSource {
  const detail = `expected ${cause.expected}, found ${cause.found}`
  return { name: path, outcome: 'unavailable', detail }
}

function tooMany(items: readonly EvidenceItem[]): string | undefined {
  const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0)
  if (items.length <= maxItems && bytes <= maxBytes) return undefined
  return `expected at most ${maxItems} attestations of ${maxBytes} bytes together, found more`
}
