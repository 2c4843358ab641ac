import { quote, type Problem, type ProblemCode } from '#error'
import { podBearing, ephemeral } from '../probe/kinds.ts'
import { digestsIn, type AuditEvent } from './audit-event.ts'

/** A decision of the log, as far as it is compared with what the platform tells. */
export interface RecordedAdmission {
  readonly time: string
  readonly chokePoint: string
  readonly effect: string
  readonly requester: string
  readonly sha256: string
}

export interface PlacedAdmission extends RecordedAdmission {
  readonly entry: number
}

/** A use of breakglass that was recorded afterwards: what was let in by hand, from when to when that was granted. */
export interface LetInByHand {
  readonly sha256: string
  readonly from: string
  readonly until: string
}

export interface JudgeParts {
  /** Names of the webhooks of the gate. */
  readonly webhooks: readonly string[]
  /** The configurations in which they stand. */
  readonly configurations: readonly string[]
  /** The namespace of the gate, which the API server guards without it. */
  readonly ownNamespace: string
  /** A decision by its place in the log; undefined when there is none. */
  readonly recorded: (entry: number) => Promise<RecordedAdmission | undefined>
  /** All of them, the oldest first: for what the gate had no place for yet when it answered. */
  readonly all: () => Promise<readonly PlacedAdmission[]>
  readonly byHand: readonly LetInByHand[]
  /** Entries that an event before has been let in by. */
  readonly taken: Map<number, string>
}

/** What one event means. */
export type Judged =
  /** Deploys nothing, or was not done. */
  | { readonly outcome: 'nothing' }
  /** The log has the decision, or the use of breakglass, that it belongs to. */
  | { readonly outcome: 'matched' }
  /** In the namespace of the gate, which it is never asked about. */
  | { readonly outcome: 'own' }
  | { readonly outcome: 'finding'; readonly problem: Problem }

const deploying = new Set([
  ...podBearing.map(({ group, resource }) => (group === '' ? resource : `${group}/${resource}`)),
  ephemeral,
])
const writing = new Set(['create', 'update', 'patch'])
const removing = new Set(['delete', 'deletecollection'])
const admissionGroup = 'admissionregistration.k8s.io/'
/** The clocks of an API server and of the gate. */
const toleranceMs = 5 * 60_000

/** Holds one event of the platform against the log of the gate. */
export async function judgeEvent(event: AuditEvent, parts: JudgeParts): Promise<Judged> {
  if (event.isDryRun) return { outcome: 'nothing' }
  const isDone = event.code >= 200 && event.code < 300
  if (isDone && changesGuard(event, parts)) return finding(guardChanged(event))
  if (!deploying.has(event.resource) || !writing.has(event.verb)) return { outcome: 'nothing' }
  if (isOfNode(event) && !isDone) return finding(staticPod(event))
  if (!isDone) return { outcome: 'nothing' }
  if (event.namespace === parts.ownNamespace) return { outcome: 'own' }
  return await judgeDeployment(event, parts)
}

async function judgeDeployment(event: AuditEvent, parts: JudgeParts): Promise<Judged> {
  const open = failedOpen(event, parts.webhooks)
  if (open !== undefined)
    return matchedByHand(event, parts) ?? finding(failedOpenProblem(event, open))
  const told = toldBy(event, parts.webhooks)
  if (told === undefined) return matchedByHand(event, parts) ?? finding(unguarded(event))
  // The gate was asked, and there was nothing to decide: all was there before.
  if (told['undecided'] !== undefined) return undecided(event, told['undecided'])
  const fault = await unrecorded(event, told, parts)
  return fault === undefined ? { outcome: 'matched' } : finding(fault)
}

/** A new pod has images, always: the gate has decided about them, or it was not the gate that answered. */
function undecided(event: AuditEvent, reason: string): Judged {
  const isNewPod = event.resource === 'pods' && event.verb === 'create'
  return isNewPod
    ? finding(notThere(event, `a new pod, and ${quote(reason, 200)}`))
    : { outcome: 'nothing' }
}

function changesGuard(
  { resource, verb, namespace, name }: AuditEvent,
  { configurations, ownNamespace }: JudgeParts,
): boolean {
  if (!writing.has(verb) && !removing.has(verb)) return false
  if (resource.startsWith(admissionGroup)) {
    // Without a name all of them are meant.
    return verb === 'deletecollection' || configurations.includes(name)
  }
  if (!removing.has(verb)) return false
  if (resource === 'namespaces') return name === ownNamespace
  return namespace === ownNamespace && ['apps/deployments', 'services'].includes(resource)
}

/** Only a node may write mirrors of the pods that it has from files. */
function isOfNode({ resource, groups }: AuditEvent): boolean {
  return resource === 'pods' && groups.includes('system:nodes')
}

const failedOpenKey = /^failed-open\.validating\.webhook\.admission\.k8s\.io\//

function failedOpen({ annotations }: AuditEvent, webhooks: readonly string[]): string | undefined {
  const found = Object.entries(annotations).filter(([key]) => failedOpenKey.test(key))
  return found.map(([, webhook]) => webhook).find((webhook) => webhooks.includes(webhook))
}

function toldBy(
  { annotations }: AuditEvent,
  webhooks: readonly string[],
): Readonly<Record<string, string>> | undefined {
  const told = webhooks.flatMap((webhook) =>
    Object.entries(annotations)
      .filter(([key]) => key.startsWith(`${webhook}/`))
      .map(([key, value]) => [key.slice(webhook.length + 1), value] as const),
  )
  return told.length === 0 ? undefined : Object.fromEntries(told)
}

/** What was let in by hand, and recorded as a use of breakglass of these bytes then. */
function matchedByHand(event: AuditEvent, { byHand }: JudgeParts): Judged | undefined {
  const digests = digestsIn(event)
  const time = Date.parse(event.time)
  const isKnown = (digest: string): boolean =>
    byHand.some(
      ({ sha256, from, until }) =>
        sha256 === digest && time >= Date.parse(from) - toleranceMs && time <= Date.parse(until),
    )
  return digests?.every(isKnown) === true ? { outcome: 'matched' } : undefined
}

/** Why the decisions that an event names are not those that let it in. */
async function unrecorded(
  event: AuditEvent,
  { entries = '', effects = '' }: Readonly<Record<string, string>>,
  parts: JudgeParts,
): Promise<Problem | undefined> {
  const places = entries.split(',')
  const told = effects.split(',')
  // One decision for each image, and nothing that is no place.
  if (places.length !== told.length || !places.every((one) => /^(?:\d{1,15}|spooled)$/.test(one)))
    return notThere(event, `${quote(effects, 200)} by the entries ${quote(entries, 200)}`)
  const allowed = new Set<string>()
  for (const [at, place] of places.entries()) {
    const found = await decisionAt(place, event, told[at], parts)
    if (typeof found === 'string') return notThere(event, found)
    allowed.add(found.sha256)
    parts.taken.set(found.entry, event.id)
  }
  const other = digestsIn(event)?.find((digest) => !allowed.has(digest))
  return event.verb === 'create' && other !== undefined
    ? notThere(event, `entry ${places.join(', ')}, which is not about sha256:${other}`)
    : undefined
}

/** The decision at a place of the log, or what is wrong with it. */
async function decisionAt(
  place: string,
  event: AuditEvent,
  effect: string | undefined,
  { recorded, all, taken }: JudgeParts,
): Promise<PlacedAdmission | string> {
  if (place === 'spooled') {
    const digests = digestsIn(event)
    const found = (await all()).find(
      (one) =>
        !taken.has(one.entry) &&
        faultOf(event, one, effect) === undefined &&
        digests?.includes(one.sha256) !== false,
    )
    return found ?? 'none yet: the decision waited in the spool of the gate'
  }
  const entry = Number(place)
  const before = taken.get(entry)
  if (before !== undefined) return `entry ${entry}, which event ${quote(before, 100)} has used`
  const decision = await recorded(entry)
  const fault = faultOf(event, decision, effect)
  if (decision === undefined || fault !== undefined)
    return `entry ${entry}, which is ${fault ?? ''}`
  return { ...decision, entry }
}

function faultOf(
  event: AuditEvent,
  decision: RecordedAdmission | undefined,
  effect: string | undefined,
): string | undefined {
  if (decision === undefined) return 'no decision of this log'
  if (decision.effect === 'blocked') return 'a refusal'
  if (decision.effect !== effect) return `${decision.effect}, not ${quote(effect ?? '', 100)}`
  if (decision.chokePoint !== 'admission') return `of the choke point ${decision.chokePoint}`
  if (![event.user, `unauthenticated:${event.user}`].includes(decision.requester))
    return `about a request of ${quote(decision.requester, 200)}`
  const apart = Math.abs(Date.parse(decision.time) - Date.parse(event.time))
  return apart > toleranceMs ? `of ${decision.time}` : undefined
}

function finding(problem: Problem): Judged {
  return { outcome: 'finding', problem }
}

function problemOf(
  code: ProblemCode,
  event: AuditEvent,
  { expected, found, fix }: Pick<Problem, 'expected' | 'found' | 'fix'>,
): Problem {
  return { code, where: `event ${quote(event.id, 100)} at ${event.time}`, expected, found, fix }
}

/** What was done, by whom: all of it chosen by somebody. */
function deedOf({ user, impersonator, verb, resource, namespace, name }: AuditEvent): string {
  const place = namespace === '' ? name : `${namespace}/${name}`
  const by = impersonator === undefined ? '' : `${quote(impersonator, 200)} as `
  return `${by}${quote(user, 200)}: ${verb} ${resource} ${quote(place, 300)}`
}

function unguarded(event: AuditEvent): Problem {
  return problemOf('BYPASS_UNGUARDED', event, {
    expected: 'the gate to be asked, or a use of breakglass that is recorded',
    found: `${deedOf(event)}, and nothing of the gate`,
    fix: 'Look at what runs and remove it, or record what was let in by hand with `sallyport breakglass import`; run `sallyport probe-bypass` to see what the webhook leaves out',
  })
}

function failedOpenProblem(event: AuditEvent, webhook: string): Problem {
  return problemOf('BYPASS_FAILED_OPEN', event, {
    expected: 'an answer of the gate before anything is admitted',
    found: `${deedOf(event)}, admitted although ${quote(webhook, 200)} did not answer`,
    fix: `Set failurePolicy: Fail in the webhook ${quote(webhook, 200)}, as deploy/kubernetes/webhook has it, and look at what came in`,
  })
}

function notThere(event: AuditEvent, found: string): Problem {
  return problemOf('BYPASS_UNRECORDED', event, {
    expected: 'a decision of this log that let it in, for this request and no other',
    found: `${found}; ${deedOf(event)}`,
    fix: 'Run `sallyport log verify`; if the log is whole, another server answers for the gate: look at the address and the authority in the webhook configuration',
  })
}

function guardChanged(event: AuditEvent): Problem {
  return problemOf('BYPASS_GUARD_CHANGED', event, {
    expected: 'nobody to change what guards the cluster, but in an upgrade of the gate',
    found: deedOf(event),
    fix: 'Ask who did it; apply deploy/kubernetes again, run `sallyport probe-bypass`, and look at everything that was deployed since',
  })
}

function staticPod(event: AuditEvent): Problem {
  return problemOf('BYPASS_STATIC_POD', event, {
    expected: 'every pod of the node to be admitted',
    found: `${deedOf(event)}: refused, and it runs all the same`,
    fix: 'Remove its file from the static pods of the node, or give it evidence that its policy accepts',
  })
}
