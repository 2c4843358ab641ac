import { makeEvent, type Bell } from '#breakglass'
import type { Config } from '#config'
import type { Decision } from '#decision'
import { sha256Hex } from '#document'
import { SallyportError, type Problem } from '#error'
import type { BodyStore, LogView } from '#log'
import { bellOf } from '../breakglass/bell.ts'
import { byHand } from '../breakglass/by-hand.ts'
import { readUses } from '../breakglass/review.ts'
import { readLog } from '../log.ts'
import type { ClusterOptions } from '../probe/kubeconfig.ts'
import { parseAuditEvent, type AuditEvent } from './audit-event.ts'
import { auditLines } from './audit-lines.ts'
import { decisionIn, type Decisions } from './decision-in.ts'
import {
  judgeEvent,
  type JudgeParts,
  type PlacedAdmission,
  type RecordedAdmission,
} from './judge-event.ts'
import { lookAtRunning } from './running.ts'

export interface AuditOptions {
  readonly config: Config
  /** Audit logs of API servers, the oldest first. */
  readonly files: readonly string[]
  /** Events before it are passed over. */
  readonly since?: Date
  /** Asks a cluster, too, whether the log has let in what runs there. */
  readonly cluster?: ClusterOptions
  readonly webhooks: readonly string[]
  readonly configurations: readonly string[]
  readonly ownNamespace: string
  readonly now: Date
}

export interface AuditReport {
  /** Events that were read, and from when to when they tell. */
  readonly events: number
  readonly first?: string
  readonly last?: string
  /** Deployments that the log has let in. */
  readonly matched: number
  /** Deployments in the namespace of the gate, which it is never asked about. */
  readonly own: number
  readonly findings: readonly Problem[]
  /** Findings that are not listed: there are too many. */
  readonly more: number
  /** Lines that are no events, entries of the log that cannot be read, and pods of which nobody can say what they run. */
  readonly unknown: readonly Problem[]
  /** Pods whose images were held against the log; absent when no cluster was asked. */
  readonly running?: number
  /** Alarms that nobody has heard yet. */
  readonly unheard: number
}

const maxListed = 1000
const maxUnknown = 20
/** More findings than these ring once, together. */
const maxRinging = 50
const tellMs = 3_000

/**
 * Reads what API servers did, and finds every deployment that the log of the gate has not let in, and every change of what
 * guards the cluster. Findings ring, each once however often it is found.
 *
 * @throws SallyportError FILE_UNREADABLE, LOG_…, PROBE_…
 */
export async function auditPlatform(options: AuditOptions): Promise<AuditReport> {
  const { config, now } = options
  const found = await readLog(config, (view, bodies) => read(view, bodies, options))
  const bell = bellOf(config, () => new Date())
  await ring(bell, config, found, now)
  await bell.deliver({ withinMs: tellMs, all: true })
  return { ...found, unheard: (await bell.pending()).length }
}

type Found = Omit<AuditReport, 'unheard'>

async function read(view: LogView, bodies: BodyStore, options: AuditOptions): Promise<Found> {
  const tally = openTally()
  const decisions = { bodies, unread: (problem: Problem) => tally.unknown(problem) }
  const parts = await partsOf(view, decisions, options)
  const seen = new Set<string>()
  for (const file of options.files) {
    for await (const { where, bytes } of auditLines(file)) {
      const event = readLine(where, bytes, tally)
      if (event === undefined || bytes === undefined) continue
      // Files that were rotated may overlap. The id of an event is chosen by whoever asks (Audit-ID): only the same line is
      // the same event.
      const line = sha256Hex(bytes)
      if (seen.has(line)) continue
      seen.add(line)
      if (options.since !== undefined && Date.parse(event.time) < options.since.getTime()) continue
      tally.event(event)
      tally.judged(await judgeEvent(event, parts))
    }
  }
  const running = await lookAtCluster(view, decisions, options, tally)
  return { ...tally.result(), ...(running === undefined ? {} : { running }) }
}

function readLine(
  where: string,
  bytes: Uint8Array | undefined,
  tally: ReturnType<typeof openTally>,
): AuditEvent | undefined {
  if (bytes === undefined) {
    tally.unknown(unreadable(where, 'a line that is longer than any event'))
    return undefined
  }
  if (Buffer.from(bytes).toString('latin1').trim() === '') return undefined
  try {
    return parseAuditEvent(bytes)
  } catch (error) {
    if (!(error instanceof SallyportError)) throw error
    tally.unknown(unreadable(where, `${error.code} ${error.where ?? ''}: ${error.found}`))
    return undefined
  }
}

function openTally() {
  const findings: Problem[] = []
  const unknown: Problem[] = []
  const times: { first?: string; last?: string } = {}
  let [events, matched, own, more] = [0, 0, 0, 0]
  const finding = (problem: Problem): void => {
    if (findings.length < maxListed) findings.push(problem)
    else more += 1
  }
  return {
    event({ time }: AuditEvent): void {
      events += 1
      times.first = times.first !== undefined && times.first < time ? times.first : time
      times.last = times.last !== undefined && times.last > time ? times.last : time
    },
    judged(judged: Awaited<ReturnType<typeof judgeEvent>>): void {
      if (judged.outcome === 'finding') finding(judged.problem)
      if (judged.outcome === 'matched') matched += 1
      if (judged.outcome === 'own') own += 1
    },
    finding,
    unknown(problem: Problem): void {
      const isKnown = unknown.some(({ where }) => where === problem.where)
      if (!isKnown && unknown.length < maxUnknown) unknown.push(problem)
    },
    result: () => ({ events, ...times, matched, own, findings, more, unknown }),
  }
}

async function partsOf(
  view: LogView,
  decisions: Decisions,
  { webhooks, configurations, ownNamespace }: AuditOptions,
): Promise<JudgeParts> {
  const known = new Map<number, Promise<RecordedAdmission | undefined>>()
  const uses = await readUses(decisions.bodies, view)
  for (const one of uses.unreadable()) decisions.unread(one)
  let everything: ReturnType<typeof allAdmissions> | undefined
  return {
    webhooks,
    configurations,
    ownNamespace,
    recorded: (entry) => {
      const found = known.get(entry) ?? admissionAt(entry, view, decisions)
      known.set(entry, found)
      return found
    },
    all: () => (everything ??= allAdmissions(view, decisions)),
    // A use at any other choke point, such as the proxy that a node pulls through, is no record of what went around the webhook.
    byHand: uses
      .uses()
      .filter(({ chokePoints }) => chokePoints.includes(byHand))
      .map(({ artifact, time, until }) => ({ sha256: artifact.sha256, from: time, until })),
    taken: new Map(),
  }
}

async function admissionAt(
  index: number,
  view: LogView,
  decisions: Decisions,
): Promise<RecordedAdmission | undefined> {
  if (index >= view.size) return undefined
  const decision = await decisionIn(await view.entry(index), index, decisions)
  return decision === undefined ? undefined : admissionOf(decision)
}

async function allAdmissions(
  view: LogView,
  decisions: Decisions,
): Promise<readonly PlacedAdmission[]> {
  const found: PlacedAdmission[] = []
  for await (const { index, entry } of view.entries(0, view.size)) {
    const decision = await decisionIn(entry, index, decisions)
    if (decision?.request.chokePoint === 'admission' && decision.effect !== 'blocked')
      found.push({ ...admissionOf(decision), entry: index })
  }
  return found
}

function admissionOf({ time, effect, request }: Decision): RecordedAdmission {
  const { chokePoint, requester = '', artifact } = request
  return { time, effect, chokePoint, requester, sha256: artifact.digest['sha256'] ?? '' }
}

/** Everything that runs must have been let in by some decision of the log. */
async function lookAtCluster(
  view: LogView,
  decisions: Decisions,
  { cluster, ownNamespace, config: { admission } }: AuditOptions,
  tally: ReturnType<typeof openTally>,
): Promise<number | undefined> {
  if (cluster === undefined) return undefined
  const { pods, findings, unknown } = await lookAtRunning(view, decisions.bodies, {
    cluster,
    ownNamespace,
    admission,
  })
  for (const one of findings) tally.finding(one)
  for (const one of unknown) tally.unknown(one)
  return pods
}

/** A flood of findings is no flood of alarms. */
async function ring(
  bell: Pick<Bell, 'ring'>,
  { log }: Config,
  { findings, more }: Found,
  now: Date,
): Promise<void> {
  const common = {
    time: now.toISOString(),
    type: 'bypass-found',
    severity: 'critical',
    origin: log.origin,
  } as const
  const single = findings.slice(0, maxRinging).map(({ code, where = '', found }) =>
    makeEvent(`${code} ${where}`, {
      ...common,
      summary: `${code} ${where}: ${found}`,
      reasons: [code],
    }),
  )
  const rest = findings.length - single.length + more
  const last = findings.at(-1)?.where ?? ''
  const together = makeEvent(`${rest} more until ${last}`, {
    ...common,
    summary: `${rest} more findings in the audit log of the platform, until ${last}`,
  })
  await bell.ring(rest === 0 ? single : [...single, together])
}

function unreadable(where: string, found: string): Problem {
  return {
    code: 'AUDIT_LOG_UNREADABLE',
    where,
    expected: 'one event of audit.k8s.io/v1 as JSON in each line',
    found: found.slice(0, 500),
    fix: 'Name the file that the API server writes, whole; what stands in such a line is not known',
  }
}
