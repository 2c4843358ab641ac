import { readFile } from 'node:fs/promises'
import { eventsOf, openBell, openOutbox, type Bell } from '#breakglass'
import type { Config } from '#config'
import type { Decision } from '#decision'
import { smtpSink, webhookSink, type Sink } from '#events'
import { syslogSinkOf } from '../events/sinks.ts'

/** The bell of a home: one outbox for all of its mouths, and the ways to be heard that its configuration names. */
export function bellOf(config: Config, clock: () => Date): Bell {
  const { alarms, log } = config
  const outbox = openOutbox(alarms.folder)
  return openBell({ outbox, sinks: sinksOf(config, clock), origin: log.origin, clock })
}

function sinksOf({ alarms }: Config, clock: () => Date): readonly Sink[] {
  const { webhook, smtp, syslog } = alarms
  return [
    ...webhook.map(({ url, secretFile }) =>
      webhookSink({
        url,
        format: 'json',
        clock,
        ...(secretFile === undefined ? {} : { secret: () => readSecret(secretFile) }),
      }),
    ),
    ...smtp.flatMap(({ ca, ...one }) => {
      const authority = ca === undefined ? {} : { ca: () => readFile(ca, 'utf8') }
      return [...new Set(one.to)].map((to) => smtpSink({ ...one, ...authority, to }))
    }),
    ...syslog.map((one) => syslogSinkOf(one)),
  ]
}

/** Without the line feed that an editor adds. An empty secret is none. */
async function readSecret(file: string): Promise<Uint8Array> {
  const text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  if (text === '') throw new Error(`${file} is empty`)
  return Buffer.from(text)
}

/**
 * Rings for a recorded decision that lets something in although it does not meet the policy. Call it after the decision is in
 * the log and before anybody is answered: every mouth does.
 *
 * @throws SallyportError ALARM_NOT_KEPT; then nobody is answered
 */
export async function ringFor(
  bell: Pick<Bell, 'ring'>,
  { log, alarms }: Config,
  decision: Decision,
  entry: number | bigint | string,
): Promise<void> {
  const at = typeof entry === 'string' ? entry : Number(entry)
  const place = { origin: log.origin, entry: at, reviewMs: alarms.reviewMs }
  const events = eventsOf(decision, place)
  if (events.length > 0) await bell.ring(events)
}
