import { isAtOrAfter } from '#document'
import { breakglassAnnotation } from '#chokepoint'
import type { Config } from '#config'
import { SallyportError, type Problem } from '#error'
import { parseArtifactName } from '../artifact/name.ts'
import { openNetwork } from '../artifact/network.ts'
import { findArtifact } from '../artifact/resolve.ts'
import { attach, imageWithDigest, type AttachReport } from '../attach.ts'
import { appendAttestation } from '../beside.ts'
import { nowhere } from '../pipeline/server-question.ts'
import { verifyArtifact, type VerifyReport } from '../verify.ts'
import { grantAtGate, type AtGate, type KeptGrant } from './at-gate.ts'
import { byHand } from './by-hand.ts'
import { grantsIn, type FoundGrant } from './grants.ts'

export interface UseBreakglassOptions {
  /** The home of this machine; not read where a gate is named. */
  readonly config: () => Promise<Config>
  /** What the grants are for. */
  readonly artifact: string
  /** Where to hand them in, in place of beside the artifact. */
  readonly at?: AtGate
  /** Files of grants. */
  readonly grants: readonly string[]
  readonly now: Date
}

export interface UseReport {
  /** Files that the grants were added to, beside the artifact. */
  readonly bundle?: string
  readonly attached?: AttachReport
  /** What the gate keeps. */
  readonly kept?: readonly KeptGrant[]
  /** Why they could not be put where they are looked for; what could is told beside it. */
  readonly problems?: readonly Problem[]
  /** What pods carry when nothing else can be reached. */
  readonly annotation: { readonly name: string; readonly value: string }
}

/**
 * Puts grants where they will be looked for, and says what a pod has to carry instead, whether they could be put there or not.
 * It lets nothing in by itself; where one of them cannot let in this artifact, or not any more, none is put anywhere.
 *
 * @throws SallyportError BREAKGLASS_OTHER_ARTIFACT, BREAKGLASS_EXPIRED; as `grantsIn` does
 */
export async function useBreakglass({
  config,
  artifact,
  grants,
  at,
  now,
}: UseBreakglassOptions): Promise<UseReport> {
  const files = await Promise.all(grants.map((file) => grantsIn(file)))
  const found = files.flat()
  const sha256 = await digestOf(artifact)
  SallyportError.throwAll(
    found.flatMap((one) => [...ofOthers(one, artifact, sha256), ...isOver(one, now)]),
  )
  const lines = found.map(({ bytes }) => Buffer.from(bytes).toString('utf8').trim())
  const value = Buffer.from(lines.join('\n')).toString('base64')
  const annotation = { name: breakglassAnnotation, value }
  return { ...(await put(found, artifact, { config, at })), annotation }
}

type Put = Omit<UseReport, 'annotation'>

async function put(
  found: readonly FoundGrant[],
  artifact: string,
  { config, at }: { readonly config: () => Promise<Config>; readonly at: AtGate | undefined },
): Promise<Put> {
  const { kind } = parseArtifactName(artifact)
  if (at !== undefined) return await handIn(found, at)
  if (kind !== 'oci' && kind !== 'file') return {}
  try {
    if (kind === 'oci') {
      const { evidence } = await config()
      await using network = openNetwork(evidence)
      const bytes = found.map((one) => one.bytes)
      return {
        attached: await attach(bytes, imageWithDigest(artifact, 'use a grant for'), network),
      }
    }
    const bundle = `${artifact}.sigstore.jsonl`
    for (const { bytes } of found) await appendAttestation(bundle, bytes)
    return { bundle }
  } catch (error) {
    return { problems: problemsOf(error) }
  }
}

async function handIn(found: readonly FoundGrant[], at: AtGate): Promise<Put> {
  const kept: KeptGrant[] = []
  const problems: Problem[] = []
  for (const { bytes, sha256 } of found) {
    try {
      kept.push(await grantAtGate(at, bytes, sha256))
    } catch (error) {
      problems.push(...problemsOf(error))
    }
  }
  return { kept, ...(problems.length === 0 ? {} : { problems }) }
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof SallyportError) return error.problems
  throw error
}

/** Nothing is looked up for it; undefined for a package, of which only its registry knows. */
async function digestOf(artifact: string): Promise<string | undefined> {
  const name = parseArtifactName(artifact)
  if (name.kind === 'npm') return undefined
  if (name.kind === 'oci') {
    return imageWithDigest(artifact, 'use a grant for').digest.replace(/^sha256:/, '')
  }
  await using network = openNetwork(nowhere)
  return (await findArtifact(artifact, network)).digest.sha256
}

function ofOthers(
  { file, sha256: granted }: FoundGrant,
  artifact: string,
  sha256: string | undefined,
): readonly Problem[] {
  if (sha256 === undefined || sha256 === granted) return []
  return [
    {
      code: 'BREAKGLASS_OTHER_ARTIFACT',
      where: file,
      expected: `a grant for ${artifact}, sha256:${sha256}`,
      found: `one for sha256:${granted}`,
      fix: 'Name the artifact that was granted, or have this one granted: `sallyport breakglass request` with it',
    },
  ]
}

function isOver({ file, grant }: FoundGrant, now: Date): readonly Problem[] {
  if (!isAtOrAfter(now, Date.parse(grant.expires))) return []
  return [
    {
      code: 'BREAKGLASS_EXPIRED',
      where: file,
      expected: `a grant that holds at ${now.toISOString()}`,
      found: `one that was over at ${grant.expires}`,
      fix: 'Deploy something that the policy lets in; if the emergency lasts, ask for another grant',
    },
  ]
}

export interface ImportBreakglassOptions {
  readonly config: Config
  readonly grants: readonly string[]
  /** What was let in, where evidence about it lies besides the places of the configuration; left out: only its digest is known. */
  readonly artifact?: string
  /** When the artifact was let in, where no gate could record it. */
  readonly at: Date
  readonly service?: string
}

/**
 * Records afterwards what was let in by hand while the gate was down: the decision that it would have given then, with
 * these grants and the evidence that there is, in the log as any other; and it rings. Grants that did not hold then are refused,
 * and that is recorded.
 *
 * @throws SallyportError BREAKGLASS_OTHER_ARTIFACT; as `grantsIn` does
 */
export async function importBreakglass(options: ImportBreakglassOptions): Promise<VerifyReport> {
  const { config, grants, at } = options
  const [first] = (await Promise.all(grants.map((file) => grantsIn(file)))).flat()
  if (first === undefined) throw noService(grants[0] ?? '', 'no grant')
  const { artifact = `sha256:${first.sha256}` } = options
  const sha256 = await digestOf(artifact)
  SallyportError.throwAll(ofOthers(first, artifact, sha256))
  const { environment, service = options.service } = first.grant
  if (service === undefined) throw noService(first.file, 'one for every service of its environment')
  return await verifyArtifact({
    config: { ...config, chokePoint: byHand },
    artifact,
    target: { environment, service },
    bundles: [],
    grants,
    policies: [],
    now: at,
  })
}

function noService(file: string, found: string): SallyportError {
  return new SallyportError({
    code: 'BREAKGLASS_REQUEST',
    where: file,
    expected: 'a grant for one service, or --service',
    found,
    fix: 'Say with --service what was deployed',
  })
}
