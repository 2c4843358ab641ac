import { readFile } from 'node:fs/promises'
import type { EventSinkConfig } from '#config'
import { fileSink, syslogSink, webhookSink, type Sink } from '#events'

/** The way that a configuration names. Secrets and certificates are read each time, so that they can be replaced. */
export function sinkOf({ file, syslog, webhook }: EventSinkConfig, clock: () => Date): Sink {
  if (file !== undefined) {
    const { path, maxMegabytes, keep } = file
    return fileSink({ path, maxBytes: maxMegabytes * 1e6, keep })
  }
  if (syslog !== undefined) return syslogOf(syslog)
  if (webhook !== undefined) return webhookOf(webhook, clock)
  throw new TypeError('a sink without a way')
}

function syslogOf(syslog: NonNullable<EventSinkConfig['syslog']>): Sink {
  if ('socket' in syslog) return syslogSink(syslog)
  const { host, protocol, port, ca, certificate, key = '' } = syslog
  if (protocol === 'tcp') return syslogSink({ host, port: port ?? 601, protocol })
  return syslogSink({
    host,
    port: port ?? 6514,
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
