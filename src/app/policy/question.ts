import { basename, dirname, isAbsolute, sep } from 'node:path'
import type { Config } from '#config'
import type { Decision, DeploymentRequest, Evidence, Target } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import type { BodyStore } from '#log'
import { readLog } from '../log.ts'
import { readEntry } from '../read-entry.ts'
import type { Rulebook } from '../rulebook.ts'
import { readQuestion } from '../verify.ts'

/** A question as decisions are made from it, without policies and trust. */
export interface Question {
  readonly request: DeploymentRequest
  readonly evidence: Evidence
  readonly now: Date
  /** The trusted roots at that time: where the trust file has them, digest and bytes. */
  readonly roots: readonly {
    readonly file: string
    readonly digest: string
    readonly bytes: Uint8Array
  }[]
}

/** The question that `sallyport verify` would ask now, and whom it would ask. */
export async function questionOfArtifact(
  options: Parameters<typeof readQuestion>[0] & { readonly target: Target; readonly now: Date },
): Promise<{ readonly question: Question; readonly rulebook: Rulebook }> {
  const { artifact, looked, rulebook } = await readQuestion(options)
  const { target, now } = options
  const { name, digest } = artifact
  const folder = artifact.kind === 'file' ? dirname(options.artifact) : '.'
  const { items, signatures = [], sources, ...rest } = looked.evidence
  const shown = (path: string): string => portable(path, folder)
  const question: Question = {
    request: { artifact: { name, digest }, target, chokePoint: 'fixture' },
    evidence: {
      ...rest,
      items: [...items, ...signatures].map((item) => ({ ...item, source: shown(item.source) })),
      sources: sources.map((source) => ({ ...source, name: shown(source.name) })),
    },
    now,
    roots: rootsOf(rulebook),
  }
  return { question, rulebook }
}

function rootsOf({ trust, files }: Rulebook): Question['roots'] {
  const byDigest = new Map(files.map((bytes) => [sha256Hex(bytes), bytes]))
  return [...trust.roots.values()].map(({ file, digest }) => ({
    file,
    digest,
    bytes: byDigest.get(digest) ?? new Uint8Array(),
  }))
}

/** A fixture is read on other machines: where a file lay on this one is nobody's business there. */
function portable(path: string, folder: string): string {
  const inside = folder === '.' ? path : path.replace(folder + sep, '')
  return isAbsolute(inside) ? basename(inside) : inside
}

/** A recorded decision with everything that it was made from. */
export interface RecordedQuestion {
  readonly index: number
  readonly decision: Decision
  readonly question: Question
}

/**
 * Reads back what recorded decisions were made from, the oldest first.
 *
 * @throws SallyportError RECORD_BODY_MISSING, LOG_…
 */
export async function recordedQuestions(
  config: Config,
  only: { readonly index: number } | { readonly newest: number },
  take: (recorded: RecordedQuestion) => void,
): Promise<void> {
  await readLog(config, async (view, bodies) => {
    if ('index' in only) {
      take(await questionAt(await view.entry(only.index), only.index, bodies))
      return
    }
    for await (const { index, entry } of view.entries(Math.max(0, view.size - only.newest))) {
      const said = await readEntry(entry, index, bodies)
      if (said.kind === 'Decision') take(await questionOf(said, index, bodies))
    }
  })
}

/**
 * What one entry was made from.
 *
 * @throws SallyportError RECORD_BODY_MISSING, RECORD_MALFORMED
 */
export async function questionAt(
  entry: Uint8Array,
  index: number,
  bodies: BodyStore,
): Promise<RecordedQuestion> {
  const said = await readEntry(entry, index, bodies)
  if (said.kind !== 'Decision') throw notDecision(index)
  return await questionOf(said, index, bodies)
}

async function questionOf(
  decision: Decision,
  index: number,
  bodies: BodyStore,
): Promise<RecordedQuestion> {
  const problems: Problem[] = []
  const take = async <T extends { readonly digest: string }>(one: T) => {
    const body = await bodies.get(one.digest)
    if (body === undefined) problems.push(missing(index, one.digest))
    return { ...one, bytes: body ?? new Uint8Array() }
  }
  const { evidence, sources, evidenceLeftOut, trust, indexes = [] } = decision.inputs
  const items = await Promise.all(evidence.map(take))
  const roots = await Promise.all((trust.roots ?? []).map(take))
  const related = await Promise.all(indexes.map((digest) => take({ digest })))
  SallyportError.throwAll(problems)
  const question: Question = {
    request: decision.request,
    evidence: {
      items,
      sources,
      related: related.map(({ bytes: index }) => ({ index })),
      ...(evidenceLeftOut === undefined ? {} : { leftOut: evidenceLeftOut }),
    },
    now: new Date(decision.time),
    roots,
  }
  return { index, decision, question }
}

function missing(index: number, digest: string): Problem {
  return {
    code: 'RECORD_BODY_MISSING',
    where: `decision ${index}`,
    expected: `a body with SHA-256 ${digest}`,
    found: 'none in the body store',
    fix: `Restore ${digest} from a copy of the body store (the folder "blobs" of Sallyport’s home)`,
  }
}

function notDecision(index: number): SallyportError {
  return new SallyportError({
    code: 'RECORD_MALFORMED',
    where: `entry ${index} of the log`,
    expected: 'an entry of kind "Decision"',
    found: 'another kind',
    fix: 'Name the index of a decision: `sallyport log show` lists them',
  })
}
