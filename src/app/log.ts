import { existsSync } from 'node:fs'
import type { BreakglassReview } from '#breakglass'
import type { Config } from '#config'
import type { Decision } from '#decision'
import { quote, SallyportError, type Problem } from '#error'
import {
  createReplayMemory,
  openLogView,
  replay,
  verifyLog,
  type AccessReview,
  type BodyStore,
  type BuildEntry,
  type BuildRecord,
  type Deployment,
  type ExternalVerdict,
  type LogReport,
  type LogView,
  type Refusal,
  type ReplayMemory,
} from '#log'
import { hasLogKeys } from './database.ts'
import { startLogSigner } from './gate.ts'
import { openLogReader } from './log-reader.ts'
import { readEntry, readOther } from './read-entry.ts'
import { readRegular } from './read-regular.ts'
import { receiptOf } from './serve/receipts.ts'
import { askNewest, explainConflicts, noConflicts } from './witness/conflicts.ts'
import { readSpooled, type SpooledReport } from './spooled.ts'
import { newestWitnessed } from './witness/kept.ts'
import { identityOf } from './witness/policy.ts'

/** A decision of the log, read back. */
export interface LoggedDecision {
  readonly index: number
  readonly decision: Decision
}

/** A refusal of the log, made before there was anything to decide. */
export interface LoggedRefusal {
  readonly index: number
  readonly refusal: Refusal
}

/** That somebody has looked at a use of breakglass. */
export interface LoggedReview {
  readonly index: number
  readonly review: BreakglassReview
}

/** What came of a deployment. */
export interface LoggedDeployment {
  readonly index: number
  readonly deployment: Deployment
}

/** That somebody has looked at grants. */
export interface LoggedAccessReview {
  readonly index: number
  readonly accessReview: AccessReview
}

export type LoggedEntry =
  | LoggedDecision
  | LoggedRefusal
  | LoggedReview
  | LoggedDeployment
  | LoggedAccessReview
  | LoggedBuildEntry
  | LoggedBuildRecord
  | LoggedVerdict

/** What happened to a build here. */
export interface LoggedBuildEntry {
  readonly index: number
  readonly build: BuildEntry
}

/** What somebody else has built, recorded here for them. */
export interface LoggedBuildRecord {
  readonly index: number
  readonly buildRecord: BuildRecord
}

/** What another policy engine has said. */
export interface LoggedVerdict {
  readonly index: number
  readonly externalVerdict: ExternalVerdict
}

export interface LogVerifyReport extends LogReport {
  /** Names of the witnesses that told their newest checkpoint; absent when they were not asked. */
  readonly witnesses?: readonly string[]
  /** Files with both signed checkpoints, of each that this log does not go on from. */
  readonly evidence: readonly string[]
  /** Whether the signer's memory was asked too: only it shows that the whole log is not an old copy. */
  readonly remembered: boolean
  /** Decisions of this gate that wait in its spool. */
  readonly spooled: SpooledReport
}

/**
 * Proves the log of a home folder: signatures, every tile, every entry, every earlier checkpoint that somebody kept,
 * and, where the log's keys are, what their holder remembers.
 */
export async function logVerify(
  config: Config,
  options: { readonly earlier?: readonly string[]; readonly witnesses?: boolean } = {},
): Promise<LogVerifyReport> {
  await using reader = await openLogReader(config)
  const { storage } = reader
  const files = await Promise.all(
    (options.earlier ?? []).map(async (file) => ({ by: file, note: await readCheckpoint(file) })),
  )
  const asked = options.witnesses === true ? await askNewest(config) : undefined
  const held = [...files, ...(asked?.held ?? [])]
  const remembered = await rememberedBy(config)
  const report = await verifyLog({
    ...identityOf(config),
    storage,
    earlier: held.map(({ note }) => note),
    ...(remembered === undefined ? {} : { remembered }),
  })
  const found = report.ok ? noConflicts : await explainConflicts(config, storage, held)
  const ofWitnesses = found.problems.filter(({ where = '' }) => where.startsWith('witness '))
  const spooled = await readSpooled(config)
  const problems = [
    ...report.problems,
    ...ofWitnesses,
    ...(asked?.problems ?? []),
    ...spooled.problems,
  ]
  return {
    ...report,
    ok: problems.length === 0,
    problems,
    evidence: found.evidence,
    remembered: remembered !== undefined,
    spooled,
    ...(asked === undefined ? {} : { witnesses: asked.held.map(({ name }) => name) }),
  }
}

/** An auditor's copy has no keys, and so nobody to ask. */
async function rememberedBy(config: Config) {
  if (!hasLogKeys(config) || !existsSync(config.keys.log.file) || !existsSync(config.log.memory))
    return undefined
  await using signer = await startLogSigner(config)
  const newest = await signer.newest()
  return newest === undefined ? undefined : { size: newest.size, root: newest.root }
}

/** Much more than a receipt with every witness needs. */
const maxBytes = 4 * 1024 * 1024

async function readCheckpoint(file: string): Promise<string> {
  try {
    const text = (await readRegular(file, maxBytes)).toString()
    // A receipt ends with the checkpoint it was made for, so a kept receipt is a kept checkpoint.
    return text.startsWith('c2sp.org/tlog-proof@') ? text.slice(text.indexOf('\n\n') + 2) : text
  } catch (cause) {
    throw new SallyportError(
      {
        code: 'FILE_UNREADABLE',
        where: file,
        expected: 'a checkpoint or a receipt that was kept',
        found: (cause as NodeJS.ErrnoException).code ?? 'an unknown error',
        fix: `Correct the path ${quote(file)}`,
      },
      { cause },
    )
  }
}

/** Opens the log for reading; needs no key and disturbs no writer. */
export async function readLog<T>(
  config: Config,
  use: (view: LogView, bodies: BodyStore) => Promise<T>,
): Promise<T> {
  await using reader = await openLogReader(config)
  const { storage, bodies } = reader
  return await use(await openLogView(storage, identityOf(config)), bodies)
}

/** The newest entries, oldest of them first. */
export async function logShow(
  config: Config,
  options: { readonly limit: number },
): Promise<{
  readonly size: number
  readonly entries: readonly LoggedEntry[]
  readonly spooled: SpooledReport
}> {
  const spooled = await readSpooled(config)
  return await readLog(config, async (view, bodies) => {
    const entries: LoggedEntry[] = []
    for await (const { index, entry } of view.entries(Math.max(0, view.size - options.limit))) {
      entries.push(await loggedOf(entry, index, bodies))
    }
    return { size: view.size, entries, spooled }
  })
}

/** One entry, proven to be in the log. */
export async function logEntry(config: Config, index: number): Promise<LoggedEntry> {
  return await readLog(config, async (view, bodies) =>
    loggedOf(await view.entry(index), index, bodies),
  )
}

/**
 * The receipt of one decision, a `.tlog-proof`: whoever has the log's verifier keys can check it without the log. Where a
 * quorum of witnesses has cosigned a checkpoint with it, that one is in the receipt.
 */
export async function logReceipt(
  config: Config,
  index: number,
  options: { readonly witnessed?: boolean } = {},
): Promise<{ readonly state: 'published' | 'witnessed'; readonly proof: string }> {
  await using reader = await openLogReader(config)
  const { storage } = reader
  const witnessed = await newestWitnessed(config)
  const { state, proof } = await receiptOf(index, { config, storage, size: 0, witnessed })
  if (options.witnessed === true && state !== 'witnessed')
    throw new SallyportError(notWitnessed(config, index))
  if (state === 'sequenced' || proof === undefined) throw new TypeError('a receipt without proof')
  return { state, proof }
}

function notWitnessed({ log }: Config, index: number): Problem {
  return {
    code: 'WITNESS_QUORUM_MISSING',
    where: `entry ${index}`,
    expected: 'a checkpoint with it that a quorum of witnesses has cosigned',
    found: log.witnesses === undefined ? 'a log without witnesses' : 'none yet',
    fix:
      log.witnesses === undefined
        ? 'Configure log.witnesses (docs/witnesses.md), or ask without --witnessed'
        : 'Ask again when `sallyport serve` has reached its witnesses; /readyz and its journal say which do not answer',
  }
}

/** What came of deciding again. */
export interface ReplayReport {
  readonly index: number
  readonly time: string
  readonly verdict: Decision['verdict']
  readonly same: boolean
  readonly problems: readonly Problem[]
}

/** Decides again one recorded decision, or all, from the log and the stored bodies alone: no file, no registry, no key. */
export async function logReplay(
  config: Config,
  options: { readonly index?: number; readonly onProgress?: (text: string) => void } = {},
): Promise<readonly ReplayReport[]> {
  return await readLog(config, async (view, bodies) => {
    const { index: only, onProgress } = options
    if (only !== undefined) return [await replayOne(await view.entry(only), only, bodies)]
    const memory = createReplayMemory()
    const reports: ReplayReport[] = []
    for await (const { index, entry } of view.entries()) {
      onProgress?.(`deciding again ${index + 1} of ${view.size}`)
      if (readOther(entry) !== undefined) continue
      reports.push(await replayOne(entry, index, bodies, memory))
    }
    return reports
  })
}

async function replayOne(
  entry: Uint8Array,
  index: number,
  bodies: BodyStore,
  memory?: ReplayMemory,
): Promise<ReplayReport> {
  const options = memory === undefined ? {} : { memory }
  const { decision, same, problems } = await replay(entry, bodies, options)
  const where = `decision ${index}`
  const placed = problems.map((problem) => ({
    ...problem,
    where: `${where}: ${problem.where ?? 'everything'}`,
  }))
  return { index, time: decision.time, verdict: decision.verdict, same, problems: placed }
}

async function loggedOf(entry: Uint8Array, index: number, bodies: BodyStore): Promise<LoggedEntry> {
  const said = await readEntry(entry, index, bodies)
  switch (said.kind) {
    case 'Decision':
      return { index, decision: said }
    case 'Refusal':
      return { index, refusal: said }
    case 'BreakglassReview':
      return { index, review: said }
    case 'Deployment':
      return { index, deployment: said }
    case 'AccessReview':
      return { index, accessReview: said }
    case 'BuildRecord':
      return { index, buildRecord: said }
    case 'ExternalVerdict':
      return { index, externalVerdict: said }
    case 'BuildBegun':
    case 'BuildDefined':
    case 'BuildEnded':
      return { index, build: said }
  }
}
