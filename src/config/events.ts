import { resolve } from 'node:path'
import { z } from 'zod'
import { host, path, url } from './receivers.ts'

const file = z.strictObject({
  path,
  maxMegabytes: z.number().min(0.01).max(100_000).default(100),
  keep: z.int().min(0).max(1000).default(9),
})
const syslog = z.union(
  [
    z.strictObject({ socket: path }),
    z
      .strictObject({
        host,
        port: z.int().min(1).max(65_535).optional(),
        // Not over UDP: nobody would know whether it has been heard.
        protocol: z.enum(['tls', 'tcp']).default('tls'),
        ca: path.optional(),
        certificate: path.optional(),
        key: path.optional(),
      })
      .refine(
        ({ protocol, ca, certificate, key }) =>
          (certificate === undefined) === (key === undefined) &&
          (protocol === 'tls' || (ca ?? certificate) === undefined),
        'certificate and key together, and both, like ca, with protocol: tls',
      ),
  ],
  '{host: …} or {socket: …}',
)
const webhook = z.strictObject({
  url,
  secretFile: path.optional(),
  authorizationFile: path.optional(),
  ca: path.optional(),
  // 1: each event in a request of its own.
  batch: z.int().min(1).max(256).default(100),
})

/** One way in which events leave, and which of them. */
const sink = z
  .strictObject({
    // How far it has come is remembered by its name.
    name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'a name such as siem-1'),
    kinds: z
      .array(z.enum(['decision', 'breakglass', 'access', 'build', 'gate']))
      .min(1)
      .max(5)
      .default(['decision', 'breakglass', 'access', 'build', 'gate']),
    minimumSeverity: z.enum(['info', 'notice', 'warning', 'error', 'critical']).default('notice'),
    file: file.optional(),
    syslog: syslog.optional(),
    webhook: webhook.optional(),
  })
  .refine(
    (one) => [one.file, one.syslog, one.webhook].filter((way) => way !== undefined).length === 1,
    'exactly one of file, syslog and webhook',
  )

/** `events` of `sallyport.yaml`: what leaves for a SIEM. Without sinks, nothing does. */
export const eventsSchema = z.strictObject({
  folder: path.default('events'),
  // What is not in the log waits here for a sink that is away; decisions wait in the log, however many.
  maxWaiting: z.int().min(10).max(1_000_000).default(10_000),
  warnAfterSeconds: z.number().min(1).max(86_400).default(300),
  sinks: z
    .array(sink)
    .max(16)
    .refine(
      (sinks) => new Set(sinks.map(({ name }) => name)).size === sinks.length,
      'a name of its own for each',
    )
    .default([]),
})

type EventsFile = z.output<typeof eventsSchema>
export type EventSinkConfig = EventsFile['sinks'][number]

/** Every path absolute. */
export interface EventsConfig extends Omit<EventsFile, 'warnAfterSeconds'> {
  readonly warnAfterMs: number
}

export function eventsOf(home: string, events: EventsFile): EventsConfig {
  const { folder, maxWaiting, warnAfterSeconds, sinks } = events
  return {
    folder: resolve(home, folder),
    maxWaiting,
    warnAfterMs: warnAfterSeconds * 1000,
    sinks: sinks.map((one) => inHome(home, one)),
  }
}

function inHome(home: string, { file, syslog, webhook, ...sink }: EventSinkConfig) {
  const all = <T extends object>(part: T, ...names: readonly (keyof T & string)[]): T => ({
    ...part,
    ...Object.fromEntries(
      names.flatMap((name) =>
        typeof part[name] === 'string' ? [[name, resolve(home, part[name])]] : [],
      ),
    ),
  })
  return {
    ...sink,
    ...(file === undefined ? {} : { file: all(file, 'path') }),
    ...(syslog === undefined
      ? {}
      : {
          syslog:
            'socket' in syslog ? all(syslog, 'socket') : all(syslog, 'ca', 'certificate', 'key'),
        }),
    ...(webhook === undefined
      ? {}
      : { webhook: all(webhook, 'secretFile', 'authorizationFile', 'ca') }),
  }
}
