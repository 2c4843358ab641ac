import type { Bell } from '#breakglass'
import type { Config } from '#config'
import {
  askedIn,
  breakglassAnnotation,
  enforce,
  evidenceAnnotation,
  explainDecision,
  explainProblem,
  nameOf,
  type AdmissionPorts,
  type AdmissionSettings,
  type Enforced,
} from '#chokepoint'
import { engine, evidenceBytes, type DeploymentRequest } from '#decision'
import { encodeCanonical, type Json } from '#document'
import { SallyportError, type Problem } from '#error'
import { formatReference, resolveInRegistry, type Reference, type Source } from '#evidence'
import { recordDecision, recordRefusal, type BodyStore } from '#log'
import { modeAt, selectPolicy } from '#policy'
import type { GateService, Journal, Metrics } from '#server'
import {
  allowedRegistries,
  gatherFor,
  keyOf,
  placeOf,
  type GatherPorts,
  type Wanted,
} from './gather.ts'
import { kubernetesPrincipal, principalOf } from './principal.ts'
import { proxyPorts } from './proxy-ports.ts'
import { ringFor } from '../breakglass/bell.ts'
import { locationOf } from '../recheck/location.ts'
import { glassTerms } from '../breakglass/terms.ts'
import { openAccessDesk } from './access-desk.ts'
import { openDesk } from './breakglass-desk.ts'
import { recordBuilt } from './built.ts'
import { recordDeployed } from './deployed.ts'
import type { DeskFiles } from './desk-files.ts'
import { listEntries } from './entries.ts'
import { checkHurry, hurryIn } from './hurry.ts'
import { inTime } from './in-time.ts'
import type { KeptLog } from './kept-log.ts'
import { nameInLog, placeInLog, type Recorded, type Recorder } from './recorder.ts'
import type { SharedDesk } from './share-desk.ts'
import type { WatchedRulebook } from './watched-rulebook.ts'

export interface ServiceParts extends GatherPorts {
  readonly config: Config
  readonly log: KeptLog['log']
  /** Records in the log, or in the spool while that is away. */
  readonly record: Recorder
  readonly bodies: BodyStore
  readonly receipt: GateService['receipt']
  readonly readLogFile: (path: string) => Promise<Uint8Array | undefined>
  readonly rulebook: WatchedRulebook
  /** What this gate was sent in emergencies. */
  readonly deskFiles: DeskFiles
  /** What replicas were sent in emergencies. */
  readonly shared: SharedDesk
  readonly bell: Pick<Bell, 'ring' | 'waiting'>
  /** Tells what has rung, for as long as there is time. Never rejects. */
  readonly tell: (ms: number) => Promise<void>
  readonly rechecks: NonNullable<GateService['rechecks']>
  readonly metrics: Metrics
  readonly journal: Journal
  readonly clock: () => Date
  /** What keeps the gate from answering. */
  readonly health: () => readonly Problem[]
  /** What else somebody has to look at. */
  readonly warnings: () => readonly Problem[]
  /** Told why a grant that was handed in is not kept. MUST NOT throw. */
  readonly onGrantRefused?: (problems: readonly Problem[]) => void
}

/** Kept back from the time there is: to decide, to record and to answer. */
const restMs = 400
const noDeadlineMs = 30_000
/** So long a use of breakglass waits for its alarm to be heard. It is on disk by then, and is told again and again. */
const tellMs = 3_000
/** Reasons in one entry of the log: each may have four thousand bytes, and an entry has 65,535. */
const maxReasons = 16
/** Artifacts that evidence is looked for at a time. Beyond it nobody is told "unavailable", which a policy may let through. */
const maxLooking = 2048
const busyLooking: Problem = {
  code: 'SERVER_BUSY',
  where: 'evidence',
  expected: `at most ${maxLooking} artifacts that evidence is being looked for`,
  found: 'as many already: a registry or store is slow',
  fix: 'Ask again in a second; see which registry does not answer',
}

export function makeService(parts: ServiceParts): GateService {
  const { config, log, rulebook } = parts
  const settings = admissionSettings(config)
  const decide: GateService['decide'] = async (ask, requester, deadline) => {
    const { target, reference, evidence, chokePoint, dryRun } = ask
    const artifact = askedArtifact(ask.artifact)
    const request = { artifact, target, chokePoint, requester, ...principalOf(requester) }
    const attached = evidence.map((one) =>
      typeof one === 'string' ? Buffer.from(one) : encodeCanonical(one as unknown as Json),
    )
    const place = reference === undefined ? {} : { reference: placeOf(reference) }
    const wanted = { digest: artifact.digest, ...place, inline: [], attached }
    const ms = config.serve.limits.decisionSeconds * 1000
    const timeoutMs = Math.max(1, Math.min(ms, deadline?.ms ?? ms) - restMs)
    const options = { dryRun, timeoutMs, isOfAsker: deadline !== undefined }
    const deciding = decideOne(parts, request, wanted, options).catch((error: unknown) => {
      const hurry = hurryIn(error)
      throw hurry === undefined ? error : new SallyportError(hurry, { cause: error })
    })
    const { decision, receipt } = await inTime(deciding, ms)
    if (receipt === undefined) return { decision }
    if ('spooled' in receipt) return { decision, spooled: receipt.spooled }
    return { decision, entry: receipt.index }
  }
  return {
    admission: settings && (() => settings),
    admissionPorts: (deadline) => admissionPorts(parts, deadline),
    proxyPorts: (chokePoint) =>
      proxyPorts(chokePoint, parts, (...question) => decideOne(parts, ...question)),
    decide,
    deployed: (ask, requester) => recordDeployed(ask, requester, parts),
    built: (ask, requester) => recordBuilt(ask, requester, parts),
    breakglass: openDesk(parts, decide),
    access: openAccessDesk(parts),
    decisions: (query) => listEntries(log, parts.bodies, query),
    receipt: parts.receipt,
    targets: () => ({
      targets: rulebook.current().policies.policies.flatMap((policy) =>
        policy.targets.map(({ environment, service }) => ({
          environment,
          service,
          policy: {
            name: policy.name,
            owner: policy.owner,
            file: policy.file,
            digest: policy.digest,
            mode: policy.mode,
          },
        })),
      ),
    }),
    rechecks: parts.rechecks,
    logFile: parts.readLogFile,
    health: parts.health,
    warnings: () => [...rulebook.problems(), ...parts.warnings()],
  }
}

/**
 * The gate has not seen the bytes: that two digests are of the same ones is said by whoever asks. Evidence about one of
 * them would let the other in.
 */
function askedArtifact({ name, digest }: DeploymentRequest['artifact']) {
  return { name, digest: { sha256: digest['sha256'] ?? '' } }
}

interface DecideOptions {
  readonly dryRun: boolean
  readonly timeoutMs?: number
  /** Whoever asks has chosen how much time there is. */
  readonly isOfAsker?: boolean
}

/** One decision, through the one way in. */
export async function decideOne(
  parts: ServiceParts,
  question: DeploymentRequest,
  wanted: Wanted,
  { dryRun, timeoutMs = noDeadlineMs, isOfAsker = false }: DecideOptions,
): Promise<Enforced<Recorded | undefined>> {
  const request = located(question, wanted)
  const { rulebook, clock, remembered, metrics } = parts
  const { policies, trust, verifier, memory, files } = rulebook.current()
  const { environment, service } = request.target
  const asked = `${rulebook.id} ${environment} ${service}`
  const now = clock()
  // What is remembered need not be looked for: who asks for much that nobody knows keeps out nobody else.
  const isKnown = (): boolean => remembered.recall(keyOf(wanted), asked, now) !== undefined
  if (remembered.looking >= maxLooking && !isKnown()) throw new SallyportError(busyLooking)
  const began = performance.now()
  let found: Awaited<ReturnType<typeof gatherFor>> | undefined
  const enforced = await enforce<Recorded | undefined>({
    request,
    gather: async () => {
      found = await gatherFor(wanted, asked, parts, { now, timeoutMs })
      return found.evidence
    },
    policies,
    trust,
    verifier,
    memoryFor: (evidence) => (evidence === found?.shared ? memory : undefined),
    now,
    record: async (decision, { evidence }) => {
      if (isOfAsker && found?.isLate === true) checkHurry(decision, timeoutMs)
      if (dryRun) return undefined
      const inputs = [...files, ...evidenceBytes(evidence)]
      const receipt = await parts.record((log, bodies) =>
        recordDecision(log, bodies, { decision, inputs }),
      )
      await ringFor(parts.bell, parts.config, decision, nameInLog(receipt))
      if (decision.effect === 'admitted-breakglass') {
        const leftMs = timeoutMs + restMs / 2 - (performance.now() - began)
        await parts.tell(Math.min(tellMs, leftMs))
      }
      return receipt
    },
  })
  const { decision } = enforced
  metrics.decision(decision, request.chokePoint)
  if (decision.verdict === 'ALLOW' && found !== undefined && found.evidence === found.shared) {
    const until = decision.validUntil === undefined ? undefined : new Date(decision.validUntil)
    remembered.allowed(found.key, asked, found.shared, until)
  }
  return enforced
}

/** Where evidence is looked for is recorded: it may have to be looked for there again. */
function located(question: DeploymentRequest, wanted: Wanted): DeploymentRequest {
  const { artifact } = question
  return { ...question, artifact: { ...artifact, ...locationOf(wanted, artifact.name) } }
}

function admissionPorts(parts: ServiceParts, deadline: AdmissionDeadline): AdmissionPorts {
  const { config, clock } = parts
  const timeoutMs = Math.max(1, deadline.ms - restMs)
  return {
    decide: async ({ reference, target, annotations, requester, asked, dryRun }) => {
      const name = nameOf(reference)
      const digest = { sha256: reference.digest ?? '' }
      const who = { requester, ...kubernetesPrincipal(requester) }
      const artifact = { name, digest }
      const request = { artifact, target, chokePoint: 'admission', ...who, asked }
      const at = formatReference(reference)
      const wanted = { digest, reference: at, inline: inlineOf(annotations), attached: [] }
      const options = { dryRun, timeoutMs, isOfAsker: true }
      try {
        const { decision, receipt } = await decideOne(parts, request, wanted, options)
        return { decision, ...(receipt === undefined ? {} : { index: placeInLog(receipt) }) }
      } catch (error) {
        const hurry = hurryIn(error)
        if (hurry === undefined) throw error
        return hurry
      }
    },
    resolve: (reference) => resolveTag(parts, reference, timeoutMs),
    audits: (target) => {
      const selected = selectPolicy(parts.rulebook.current().policies, target)
      return 'policy' in selected && modeAt(selected.policy, clock()) === 'audit'
    },
    refuse: async (request, reasons) => {
      const refusal = {
        apiVersion: 'sallyport.dev/v1',
        kind: 'Refusal',
        time: clock().toISOString(),
        engine,
        chokePoint: 'admission',
        requester: request.user,
        asked: askedIn(request),
      } as const
      const entries = pagesOf(reasons, maxReasons)
      await Promise.all(
        entries.map((some) =>
          parts.record((log) => recordRefusal(log, { ...refusal, reasons: some })),
        ),
      )
      parts.metrics.refusal(reasons, 'admission')
    },
    explain(decision, index) {
      const terms = glassTerms(decision, parts.rulebook.current(), clock())
      const { externalUrl } = config.serve
      const place = externalUrl === undefined ? {} : { gate: externalUrl }
      return explainDecision(decision, index, terms && { ...terms, ...place })
    },
    explainProblem,
    reviewMs: config.alarms.reviewMs,
  }
}

function pagesOf<T>(all: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.ceil(all.length / size)
  return Array.from({ length: count }, (_, page) => all.slice(page * size, (page + 1) * size))
}

/** What a tag means now, or why that is not known. Never rejects. */
async function resolveTag(
  { config, http, cache, credentials, journal }: ServiceParts,
  reference: Reference,
  timeoutMs: number,
): Promise<string | Problem> {
  try {
    const known = await credentials()
    const { digest } = await resolveInRegistry(formatReference(reference), {
      http,
      cache,
      registries: allowedRegistries(config),
      ...(known === undefined ? {} : { credentials: known }),
      timeoutMs,
    })
    return digest
  } catch (error) {
    if (error instanceof SallyportError) return error.problems[0] ?? notAsked(reference)
    journal.error('tag not resolved', error)
    return notAsked(reference)
  }
}

function notAsked({ registry }: Reference): Problem {
  return {
    code: 'EVIDENCE_SOURCE_UNAVAILABLE',
    where: registry,
    expected: 'an answer of the registry',
    found: 'an error of the gate',
    fix: 'Ask the operator of the gate to look into its journal',
  }
}

/** The annotations of a pod are the same ones for each of its images: they are read once. */
const inline = new WeakMap<object, readonly Source[]>()

function inlineOf(annotations: Readonly<Record<string, unknown>>): readonly Source[] {
  const sources = inline.get(annotations) ?? sourcesIn(annotations)
  inline.set(annotations, sources)
  return sources
}

function sourcesIn(annotations: Readonly<Record<string, unknown>>): readonly Source[] {
  return [evidenceAnnotation, breakglassAnnotation].flatMap((name): readonly Source[] => {
    const value = Object.hasOwn(annotations, name) ? annotations[name] : undefined
    return typeof value === 'string' ? [{ kind: 'annotation', name, value }] : []
  })
}

function admissionSettings({ admission, file }: Config): AdmissionSettings | undefined {
  if (admission === undefined) return undefined
  const { namespaces, others, kinds } = admission
  return {
    mapping: {
      file,
      namespaces: new Map(Object.entries(namespaces)),
      ...(others === undefined ? {} : { others }),
    },
    kinds: new Map(Object.entries(kinds).map(([kind, path]) => [kind, path.split('.')])),
  }
}

interface AdmissionDeadline {
  readonly ms: number
}
