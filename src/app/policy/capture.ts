import { join } from 'node:path'
import type { Config } from '#config'
import {
  decide,
  fixtureLimits,
  goldenOf,
  type Decision,
  type Fixture,
  type Golden,
  type Target,
} from '#decision'
import { sha256Hex } from '#document'
import { SallyportError } from '#error'
import { writeFixture } from './fixture-files.ts'
import { questionOfArtifact, recordedQuestions, type Question } from './question.ts'

export interface CaptureOptions {
  readonly config: Config
  /** The folder that gets a folder for each fixture. */
  readonly out: string
  /** Artifacts that would run at a target … */
  readonly artifacts?: {
    readonly paths: readonly string[]
    readonly target: Target
    readonly bundles: readonly string[]
    readonly evidence: readonly string[]
    readonly now: Date
    readonly policies: readonly string[]
    readonly trust?: string
  }
  /** … or decisions of the log. */
  readonly entries?: readonly number[]
}

export interface Captured {
  readonly folder: string
  readonly artifact: string
  readonly target: Target
  readonly expected: Golden
  /** How many pieces of evidence it holds. */
  readonly evidence: number
}

/**
 * Writes what a decision is made from into folders that are reviewed and tested: digests, evidence, sources, trusted roots
 * and the time. Nothing of the artifact itself. What is expected is what is decided now, or what the log says was decided.
 * Nobody is answered by this, so nothing is recorded.
 *
 * @throws SallyportError FIXTURE_…, FILE_…, EVIDENCE_…, POLICY_…, TRUST_…
 */
export async function captureFixtures(options: CaptureOptions): Promise<readonly Captured[]> {
  const { artifacts, entries = [], out, config } = options
  const captured: Captured[] = []
  if (artifacts !== undefined) captured.push(...(await captureArtifacts(config, out, artifacts)))
  for (const index of entries) captured.push(await captureEntry(config, out, index))
  return captured
}

async function captureArtifacts(
  config: Config,
  out: string,
  options: NonNullable<CaptureOptions['artifacts']>,
): Promise<readonly Captured[]> {
  const { paths, trust: file, ...asked } = options
  const named = file === undefined ? {} : { trust: file }
  const captured: Captured[] = []
  for (const artifact of paths) {
    const { question, rulebook } = await questionOfArtifact({
      ...asked,
      ...named,
      config,
      artifact,
    })
    const { policies, trust, verifier } = rulebook
    captured.push(await write(out, question, decide({ ...question, policies, trust, verifier })))
  }
  return captured
}

async function captureEntry(config: Config, out: string, index: number): Promise<Captured> {
  const found: Promise<Captured>[] = []
  await recordedQuestions(config, { index }, ({ question, decision }) => {
    found.push(write(out, question, decision))
  })
  const [captured] = await Promise.all(found)
  if (captured === undefined) throw new TypeError('the log gave no entry')
  return captured
}

async function write(out: string, question: Question, decision: Decision): Promise<Captured> {
  const { request, evidence, now, roots } = question
  const indexes = (evidence.related ?? []).map(({ index }) => ({
    digest: sha256Hex(index),
    bytes: index,
  }))
  const all = [...evidence.items, ...roots, ...indexes]
  assertBounded(request.artifact.name, evidence.items.length, all)
  const { artifact, target, chokePoint } = request
  const fixture: Fixture = {
    time: now.toISOString(),
    request: { artifact, target, chokePoint },
    evidence: { ...evidence, indexes: indexes.map(({ digest }) => digest) },
    trustedRoots: roots.map(({ file, digest }) => ({ file, digest })),
    expected: goldenOf(decision),
  }
  const folder = join(out, folderName(request.artifact.name, target))
  const bodies = all.map(({ digest, bytes }) => [digest, bytes] as const)
  await writeFixture(folder, fixture, new Map(bodies))
  const { expected } = fixture
  return { folder, artifact: artifact.name, target, expected, evidence: evidence.items.length }
}

/** Names come from whoever asked: only what is safe as a name of one folder is kept of them. */
function folderName(artifact: string, { environment, service }: Target): string {
  const plain = (text: string): string =>
    text
      .replace(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^[.-]+/, '')
      .slice(0, 80) || 'unnamed'
  return `${plain(artifact)}--${plain(environment)}-${plain(service)}`
}

function assertBounded(
  where: string,
  items: number,
  all: readonly { readonly bytes: Uint8Array }[],
): void {
  const bytes = all.reduce((sum, one) => sum + one.bytes.length, 0)
  if (items <= fixtureLimits.items && bytes <= fixtureLimits.bytes) return
  throw new SallyportError({
    code: 'FIXTURE_TOO_LARGE',
    where,
    expected: `at most ${fixtureLimits.items} pieces of evidence of ${fixtureLimits.bytes} bytes together`,
    found: `${items} pieces of ${bytes} bytes`,
    fix: 'Capture another artifact, or name the pieces that matter with --bundle',
  })
}
