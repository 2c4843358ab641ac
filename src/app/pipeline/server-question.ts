import { quote, SallyportError } from '#error'
import { findBesideFile, formatReference } from '#evidence'
import { parseArtifactName } from '../artifact/name.ts'
import type { Network } from '../artifact/network.ts'
import type { PinnedFiles } from './pinned.ts'
import { findPinned, type Asked } from './question.ts'

const timeoutMs = 30_000
const maxEvidence = 64

/** Nothing is looked up where a gate that runs is asked: files are hashed, and everything else has its digest in its name. */
export const nowhere = {
  directories: [],
  stores: [],
  registries: { allow: [], allowAddresses: [] },
  timeoutMs,
}

/** An image whose name says its digest: nobody has to be asked what it means. */
function imageOf(typed: string): Asked | undefined {
  const parsed = parseArtifactName(typed)
  if (parsed.kind !== 'oci') return undefined
  const name = formatReference(parsed.reference)
  const sha256 = parsed.reference.digest ?? ''
  const found = { kind: 'oci', name, digest: { sha256 }, typed } as const
  return { found, pinned: { typed, value: name, digest: `sha256:${sha256}` } }
}

/**
 * The gate looks for evidence where it is configured to; what a name means now is for who asks to say.
 *
 * @throws SallyportError EVIDENCE_REFERENCE
 */
function checkFixed(typed: string): void {
  const name = parseArtifactName(typed)
  if (name.kind === 'file' || name.kind === 'digest') return
  if (
    name.kind === 'oci' &&
    name.reference.digest !== undefined &&
    name.reference.tag === undefined
  )
    return
  throw new SallyportError({
    code: 'EVIDENCE_REFERENCE',
    where: quote(typed, 200),
    expected:
      'a file, sha256:HEX or oci://HOST/NAME@sha256:HEX: where a gate is asked, nothing is looked up here',
    found:
      name.kind === 'oci' ? 'a tag, which may lead elsewhere by then' : 'the name of a package',
    fix:
      name.kind === 'oci'
        ? 'Name the image by the digest that its build has printed'
        : 'Fetch the package with `npm pack`, and name the file',
  })
}

/** What is asked, and the evidence that travels with it. */
export interface Question {
  readonly asked: Asked
  readonly evidence: readonly string[]
}

/**
 * What a person named, as a gate that runs is asked about it, with what lies beside it.
 *
 * @throws SallyportError EVIDENCE_…, GATE_UNPINNED
 */
export async function questionFor(
  typed: string,
  bundles: readonly string[],
  network: Network,
  files?: PinnedFiles,
): Promise<Question> {
  checkFixed(typed)
  const asked = imageOf(typed) ?? (await findPinned(typed, network, files))
  return { asked, evidence: await evidenceOf(asked, bundles) }
}

/** What lies beside a file travels with the question. */
async function evidenceOf(
  { found, pinned }: Asked,
  bundles: readonly string[],
): Promise<readonly string[]> {
  if (found.kind !== 'file' && bundles.length === 0) return []
  const { items, sources } = await findBesideFile(pinned.typed, { bundles })
  const lost = sources.find(({ outcome }) => outcome === 'unavailable')
  if (lost === undefined && items.length <= maxEvidence)
    return items.map(({ bytes }) => Buffer.from(bytes).toString('utf8'))
  throw new SallyportError({
    code: 'EVIDENCE_FILE_UNREADABLE',
    where: lost?.name ?? pinned.typed,
    expected: `evidence that can be sent to the gate: at most ${maxEvidence} records`,
    found: lost?.detail ?? `${items.length} records`,
    fix: 'Name the files that matter with --bundle',
  })
}
