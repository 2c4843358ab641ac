import {
  eventSchemaId,
  eventTypePrefix,
  eventTypes,
  type EventName,
  type ExportedEvent,
  type SecurityEventData,
} from '#api'
import { sha256Hex, type Json } from '#document'
import type { Problem } from '#error'
import { cut, printableJson, type Message } from '#events'

export interface EventParts {
  /** Of the same `key` and name there is one event in a log: whoever makes it again makes the same. */
  readonly key: string
  /** Instead of one made of the key. */
  readonly id?: string
  readonly time: string
  /** The name of the log. */
  readonly origin: string
  readonly data: SecurityEventData
}

/** What a record of the log tells, without where it stands. */
export type RecordData = Omit<SecurityEventData, 'proof'> & { readonly time?: string }

/** Every receiver of syslog over TLS should take 8,192 octets (RFC 5425, 4.3.1); the head of a message takes some of them. */
const maxBytes = 7600

/** An event that leaves, ready to be told. */
export function makeMessage(name: EventName, parts: EventParts): Message {
  const { severity } = eventTypes[name]
  const time = isTime(parts.time) ? parts.time : noTime
  const data = { ...parts.data, summary: cut(parts.data.summary, 1000) }
  const { id = sha256Hex(`${name} ${parts.origin} ${parts.key}`).slice(0, 32) } = parts
  const sha256 = data.artifact?.sha256
  const event = (data: SecurityEventData): ExportedEvent => ({
    specversion: '1.0',
    id,
    source: sourceOf(parts.origin),
    type: `${eventTypePrefix}${name}`,
    time,
    ...(sha256 === undefined || sha256 === '' ? {} : { subject: `sha256:${sha256}` }),
    severity,
    datacontenttype: 'application/json',
    dataschema: eventSchemaId,
    data,
  })
  return { id, time, name, severity, summary: data.summary, body: fitting(event, data) }
}

/** What another version, or somebody else, has written into a record may be no time. */
const noTime = '1970-01-01T00:00:00.000Z'

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)$/.test(text)
}

/** The origin of a log is an address without scheme (C2SP tlog-checkpoint): as a URI reference it begins with `//`. */
export function sourceOf(origin: string): string {
  return cut(`//${encodeURI(origin.toWellFormed())}`, 800)
}

/** What is left out, reasons first, is in the log. */
function fitting(
  event: (data: SecurityEventData) => ExportedEvent,
  data: SecurityEventData,
): Uint8Array {
  let rest = data
  for (;;) {
    const body = printableJson(event(rest) as unknown as Json)
    const { reasons = [], asked, breakglass, ...other } = rest
    if (body.length <= maxBytes) return body
    if (reasons.length > 1)
      rest = {
        ...rest,
        reasons: reasons.slice(0, -1),
        reasonsOmitted: (rest.reasonsOmitted ?? 0) + 1,
      }
    else if (asked !== undefined || breakglass !== undefined) rest = { ...other, reasons }
    else
      rest = { summary: data.summary, ...(data.proof === undefined ? {} : { proof: data.proof }) }
  }
}

const maxReasons = 10

/** Codes and places alone: what was expected and found stands in the log, for who may read it. */
export function reasonsOf(
  problems: readonly Problem[],
): Pick<SecurityEventData, 'reasons' | 'reasonsOmitted'> {
  const reasons = problems
    .slice(0, maxReasons)
    .map(({ code, where = '' }) => ({ code: cut(code, 100), where: cut(where, 400) }))
  const omitted = problems.length - reasons.length
  return { reasons, ...(omitted > 0 ? { reasonsOmitted: omitted } : {}) }
}

interface Exempted {
  /** Where the rule stands in the policy. */
  readonly rule: string
  readonly instead: string
  readonly owner: string
  readonly expires: string
}

/** A rule that something was let in without; the reason for that stands in the log. */
export function exemptionData({
  rule,
  instead,
  owner,
  expires,
}: Exempted): NonNullable<SecurityEventData['exemptions']>[number] {
  return {
    rule: cut(rule, 200),
    instead: cut(instead, 40),
    owner: cut(owner, 200),
    expires: cut(expires, 40),
  }
}
