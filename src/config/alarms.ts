import { resolve } from 'node:path'
import { z } from 'zod'
import { host, path, url } from './receivers.ts'

const port = z.int().min(1).max(65_535)
// No white space, no brackets, no line feeds: it stands in commands of SMTP.
const address = z
  .string()
  .max(320)
  .regex(/^[^\s<>@"\\]+@[A-Za-z0-9.-]+$/, 'a mail address')

const perDay = z.int().min(1).max(1000)

/** Who hears of what is let in although the answer was not yes. */
export const alarmsSchema = z.strictObject({
  folder: path.default('alarms'),
  webhook: z
    .array(z.strictObject({ url, secretFile: path.optional() }))
    .max(16)
    .default([]),
  smtp: z
    .array(
      z.strictObject({
        host,
        port: port.default(587),
        from: address,
        to: z.array(address).min(1).max(32),
        tls: z.enum(['starttls', 'implicit', 'off']).default('starttls'),
        ca: path.optional(),
      }),
    )
    .max(8)
    .default([]),
  syslog: z
    .array(
      z.union(
        [
          z.strictObject({ socket: path }),
          z
            .strictObject({
              host,
              port: port.default(514),
              protocol: z.enum(['udp', 'tcp', 'tls']).default('tcp'),
              ca: path.optional(),
            })
            .refine(
              ({ protocol, ca }) => protocol === 'tls' || ca === undefined,
              'ca with protocol: tls',
            ),
        ],
        '{host: …} or {socket: …}',
      ),
    )
    .max(8)
    .default([]),
  deadlineForReview: z
    .string()
    .regex(/^[1-9]\d{0,3}[mhd]$/, 'a span of time such as 24h')
    .default('24h'),
  // So long it may take until it can be told whether what was let in without evidence may run.
  deadlineForRecheck: z
    .string()
    .regex(/^[1-9]\d{0,3}[mhd]$/, 'a span of time such as 24h')
    .default('24h'),
  maxPerEnvironmentPerDay: perDay.default(2),
  // Another number for these environments: a lively one must not raise what production is measured against.
  maxPerDayIn: z.record(z.string().min(1).max(200), perDay).default({}),
})

type AlarmsFile = z.output<typeof alarmsSchema>

/** Every path absolute. */
export interface AlarmsConfig extends Omit<AlarmsFile, 'deadlineForReview' | 'deadlineForRecheck'> {
  /** How long a use of breakglass may wait for its review. */
  readonly reviewMs: number
  /** What was let in without evidence and is not verified for longer rings. */
  readonly recheckMs: number
}

const units: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function alarmsOf(home: string, alarms: AlarmsFile): AlarmsConfig {
  const { deadlineForReview, deadlineForRecheck, folder, webhook, smtp, syslog } = alarms
  const inHome = <Name extends string>(name: Name, file: string | undefined) =>
    (file === undefined ? {} : { [name]: resolve(home, file) }) as { [name in Name]?: string }
  return {
    folder: resolve(home, folder),
    webhook: webhook.map((one) => ({ ...one, ...inHome('secretFile', one.secretFile) })),
    smtp: smtp.map((one) => ({ ...one, ...inHome('ca', one.ca) })),
    syslog: syslog.map((one) =>
      'socket' in one ? { socket: resolve(home, one.socket) } : { ...one, ...inHome('ca', one.ca) },
    ),
    maxPerEnvironmentPerDay: alarms.maxPerEnvironmentPerDay,
    maxPerDayIn: alarms.maxPerDayIn,
    reviewMs: millisecondsOf(deadlineForReview),
    recheckMs: millisecondsOf(deadlineForRecheck),
  }
}

function millisecondsOf(span: string): number {
  return Number(span.slice(0, -1)) * (units[span.at(-1) ?? ''] ?? 0)
}
