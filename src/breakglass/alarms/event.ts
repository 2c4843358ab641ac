import { z } from 'zod'
import { exemptedIn, type Decision, type ExemptedRule } from '#decision'
import { checkShape, cut, parseJson, sha256Hex, type Json } from '#document'
import { escapeLine } from '#error'
import { printableJson, type Message } from '#events'

/** Everything that rings. A type is never reused and never changes its meaning. */
export const eventTypes = [
  'breakglass-used',
  'breakglass-overdue',
  'breakglass-too-frequent',
  'alarm-undelivered',
  'admitted-unavailable',
  'admitted-audit',
  'exemption-used',
  'recheck-refused',
  'recheck-overdue',
  'rulebook-refused',
  'certificate-refused',
  'log-spooled',
  'log-forked',
  'bypass-found',
] as const

export type EventType = (typeof eventTypes)[number]

const text = z.string().max(20_000)
const place = z.int().min(0)
const eventSchema = z.strictObject({
  apiVersion: z.literal('sallyport.dev/v1'),
  kind: z.literal('SecurityEvent'),
  // Whoever hears the same event twice knows it by this.
  id: z.string().regex(/^[0-9a-f]{32}$/),
  time: text,
  type: z.enum(eventTypes),
  severity: z.enum(['critical', 'error', 'notice']),
  /** The log in which the entries are. */
  origin: text,
  summary: text,
  target: z.strictObject({ environment: text, service: text }).optional(),
  artifact: z.strictObject({ name: text, sha256: text }).optional(),
  requester: text.optional(),
  entry: z.int().min(0).optional(),
  verdict: text.optional(),
  effect: text.optional(),
  reasons: z.array(text).max(100).optional(),
  /** The decisions that let it in, when this is about what came of it. */
  admitted: z
    .strictObject({ first: place, last: place, times: z.int().min(1), since: text })
    .optional(),
  /** With what to do about each. */
  problems: z
    .array(z.strictObject({ code: text, where: text, expected: text, found: text, fix: text }))
    .max(8)
    .optional(),
  breakglass: z
    .strictObject({
      asked: z.array(z.strictObject({ by: text, reason: text, incident: text })).max(64),
      approvers: z.array(text).max(64),
      until: text,
      wanted: z.array(text).max(200),
      grants: z.array(text).max(64),
      reviewBy: text,
    })
    .optional(),
  /** The rule that did not hold, what it would have said, and who has decided until when that it need not. */
  exemption: z
    .strictObject({
      policy: text,
      rule: text,
      instead: text,
      reason: text,
      owner: text,
      expires: text,
    })
    .optional(),
  /** The id of the event that this one is about. */
  about: text.optional(),
})

/** Something that somebody has to hear: one JSON object, the same for every way in which it is told. */
export type SecurityEvent = z.infer<typeof eventSchema>

export function parseEvent(bytes: Uint8Array): SecurityEvent {
  const what = 'an alarm'
  return checkShape(eventSchema, parseJson(bytes, { what, maxBytes: 1_000_000 }), { what })
}

/** In printable ASCII, as events are: nobody draws with a name on the terminal of who follows a log. */
export function encodeEvent(event: SecurityEvent): Uint8Array {
  return printableJson(event as unknown as Json)
}

/** The event, ready to be told. */
export function messageOf(event: SecurityEvent): Message {
  const { id, time, type, severity, summary } = event
  return { id, time, name: type, severity, summary, body: encodeEvent(event) }
}

type Parts = Omit<SecurityEvent, 'apiVersion' | 'kind' | 'id'>

/** Makes an event. Of the same `key` there is only one: it rings once, whoever notices it, and however often. */
export function makeEvent(key: string, parts: Parts): SecurityEvent {
  const id = sha256Hex(`${parts.type} ${parts.origin} ${key}`).slice(0, 32)
  return {
    apiVersion: 'sallyport.dev/v1',
    kind: 'SecurityEvent',
    id,
    ...parts,
    // It is the subject of a mail, and the first line of its text.
    summary: cut(escapeLine(parts.summary), 2000),
  }
}

export interface Place {
  /** The name of the log. */
  readonly origin: string
  /** Where the decision stands in it; while it waits for its place, the name of its receipt. */
  readonly entry: number | string
  /** How long a use may wait for its review. */
  readonly reviewMs: number
}

/** What a recorded decision rings for: whatever is let in although it does not meet the policy. */
export function eventsOf(decision: Decision, place: Place): readonly SecurityEvent[] {
  const event = eventOf(decision, place)
  const exempted = exemptedIn(decision).map((rule) => ofExemption(rule, decision, place))
  return event === undefined ? exempted : [event, ...exempted]
}

function eventOf(decision: Decision, place: Place): SecurityEvent | undefined {
  const { effect, verdict, request, time } = decision
  const type = typeOf(effect)
  if (type === undefined) return undefined
  const { target } = request
  const used = usedOf(decision, place)
  const about = aboutOf(decision, place)
  return makeEvent(keyOf(type, decision, place), {
    time,
    type,
    severity: type === 'breakglass-used' ? 'critical' : 'error',
    summary: `${type === 'breakglass-used' ? 'BREAKGLASS' : effect}: ${about.artifact.name} may run in ${target.environment}/${target.service}, verdict ${verdict}, entry ${place.entry}`,
    ...about,
    reasons: [...new Set(decision.reasons.map(({ code }) => code))].slice(0, 100),
    ...(used === undefined ? {} : { breakglass: used }),
  })
}

/**
 * Once for each exemption: when it lets something in for the first time. Written anew, with another end, reason or owner, it is
 * another one. Somebody has decided in writing that this may be; who has to hear of it has heard then, however often it is used.
 */
function ofExemption(
  { id, exemption, problems }: ExemptedRule,
  decision: Decision,
  place: Place,
): SecurityEvent {
  const { policy, time } = decision
  const { owner, expires, reason, instead } = exemption
  const name = policy?.name ?? ''
  const about = aboutOf(decision, place)
  return makeEvent(JSON.stringify([name, id, owner, expires, reason]), {
    time,
    type: 'exemption-used',
    severity: 'notice',
    summary: `exemption: ${about.artifact.name} may run in ${about.target.environment}/${about.target.service} although ${id} does not hold, until ${expires} by ${cut(owner, 200)}, entry ${place.entry}`,
    ...about,
    reasons: [...new Set(problems.map(({ code }) => code))].slice(0, 100),
    exemption: { policy: name, rule: id, instead, reason, owner, expires },
  })
}

function aboutOf({ request, verdict, effect }: Decision, { origin, entry }: Place) {
  const { artifact, target, requester } = request
  return {
    origin,
    target,
    artifact: { name: cut(artifact.name, 1000), sha256: artifact.digest['sha256'] ?? '' },
    ...(requester === undefined ? {} : { requester: cut(requester, 1000) }),
    ...(typeof entry === 'number' ? { entry } : {}),
    verdict,
    effect,
  }
}

/** Each use of breakglass rings. Of what a policy lets in by its own choice, the same rings once an hour. */
function keyOf(type: EventType, { request, time }: Decision, { entry }: Place): string {
  const { artifact, target } = request
  const what = `${artifact.digest['sha256'] ?? ''} ${JSON.stringify(target)}`
  // A log that was lost and begun anew has the same places, and other uses in them.
  if (type === 'breakglass-used') return `entry ${entry} ${what} ${time}`
  return `${what} ${time.slice(0, 13)}`
}

function typeOf(effect: Decision['effect']): EventType | undefined {
  switch (effect) {
    case 'admitted-breakglass':
      return 'breakglass-used'
    case 'admitted-unavailable':
    case 'admitted-audit':
      return effect
    case 'admitted':
    case 'blocked':
      return undefined
  }
}

function usedOf(
  { breakglass, time }: Decision,
  { reviewMs }: Place,
): SecurityEvent['breakglass'] | undefined {
  const used = breakglass?.used
  if (used === undefined) return undefined
  const counted = breakglass?.grants.filter(({ digest }) => used.grants.includes(digest)) ?? []
  return {
    asked: counted.slice(0, 64).map(({ requester = '', reason = '', incident = '' }) => ({
      by: requester,
      reason,
      incident,
    })),
    approvers: used.approvers.slice(0, 64),
    until: used.until,
    wanted: (breakglass?.wanted ?? []).slice(0, 200),
    grants: used.grants.slice(0, 64),
    reviewBy: new Date(Date.parse(time) + reviewMs).toISOString(),
  }
}
