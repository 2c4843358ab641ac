import { readFile } from 'node:fs/promises'
import type { AlarmsConfig, EventSinkConfig } from '#config'
import { fileSink, syslogSink, webhookSink, type Sink } from '#events'

/** The way that a configuration names. Secrets and certificates are read each time, so that they can be replaced. */
export function sinkOf({ file, syslog, webhook }: EventSinkConfig, clock: () => Date): Sink {
  if (file !== undefined) {
    const { path, maxMegabytes, keep } = file
    return fileSink({ path, maxBytes: maxMegabytes * 1e6, keep })
  }
  if (syslog !== undefined) return syslogSinkOf(syslog)
  if (webhook !== undefined) return webhookOf(webhook, clock)
  throw new TypeError('a sink without a way')
}

/** Syslog as a configuration names it, for alarms and events. */
export function syslogSinkOf(
  syslog: NonNullable<EventSinkConfig['syslog']> | AlarmsConfig['syslog'][number],
): Sink {
  if ('socket' in syslog) return syslogSink(syslog)
  const { host, protocol, ca } = syslog
  const port = syslog.port ?? (protocol === 'tls' ? 6514 : 601)
  if (protocol !== 'tls') return syslogSink({ host, port, protocol })
  const client = 'certificate' in syslog ? syslog : {}
  const { certificate, key = '' } = client as { certificate?: string; key?: string }
  return syslogSink({
    host,
    port,
    protocol,
    ...(ca === undefined ? {} : { ca: () => readFile(ca, 'utf8') }),
    ...(certificate === undefined
      ? {}
      : {
          client: async () => ({
            cert: await readFile(certificate, 'utf8'),
            key: await readFile(key, 'utf8'),
          }),
        }),
  })
}

function webhookOf(
  { url, secretFile, authorizationFile, ca, batch }: NonNullable<EventSinkConfig['webhook']>,
  clock: () => Date,
): Sink {
  return webhookSink({
    url,
    format: batch === 1 ? 'cloudevents' : 'cloudevents-batch',
    most: batch,
    clock,
    ...(secretFile === undefined
      ? {}
      : { secret: async () => Buffer.from(await readSecret(secretFile)) }),
    ...(authorizationFile === undefined
      ? {}
      : { authorization: () => readSecret(authorizationFile) }),
    ...(ca === undefined ? {} : { ca: () => readFile(ca, 'utf8') }),
  })
}

/** Without the line feed that an editor adds. An empty secret is none. */
export async function readSecret(file: string): Promise<string> {
  const text = (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  if (text === '') throw new Error(`${file} is empty`)
  return text
}
