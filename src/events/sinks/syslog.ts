import { createSocket } from 'node:dgram'
import { connect, isIP, isIPv6, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import type { Message } from '../message.ts'
import { whenAborted, type SendOptions, type Sink } from '../sink.ts'

interface Place {
  readonly host: string
  readonly port: number
}

/** PEM files, read for each batch, so that they can be replaced. */
export interface SyslogCredentials {
  /** Authorities that are believed instead of those of the system. */
  readonly ca?: () => Promise<string>
  /** Who the gate is, where the receiver asks. */
  readonly client?: () => Promise<{ readonly cert: string; readonly key: string }>
}

export type SyslogOptions =
  | (Place & { readonly protocol: 'udp' | 'tcp' })
  | (Place & SyslogCredentials & { readonly protocol: 'tls' })
  /** A stream socket of this machine. */
  | { readonly socket: string }

/** 13: log audit (RFC 5424, 6.2.1). */
const facility = 13
const severities = { critical: 2, error: 3, warning: 4, notice: 5, info: 6 } as const
const most = 256
const leastPauseMs = 10
const longestPauseMs = 250

/**
 * Sends each message as one of RFC 5424, with its JSON as the text: over UDP, over TCP or TLS with octet counting (RFC
 * 6587, 3.4.1; RFC 5425), or over a Unix stream socket with a line feed after each. Syslog answers nothing: over UDP it
 * counts as told when it is sent, else when the other side has read to the end of the connection and closed it. Who closes it
 * first, as a receiver with too many connections does at once, has not heard.
 */
export function syslogSink(options: SyslogOptions): Sink {
  if ('socket' in options) {
    const { socket } = options
    return {
      name: `syslog unix:${socket}`,
      most,
      send: (messages, how) => write(connect(socket), lines(messages), how),
    }
  }
  const { host, port, protocol } = options
  return {
    name: `syslog ${protocol}:${host}:${port}`,
    most,
    async send(messages, how) {
      if (protocol === 'udp') {
        for (const one of messages) await sendDatagram(format(one), { host, port, ...how })
        return
      }
      const socket = protocol === 'tls' ? await secure(options) : connect(port, host)
      await write(socket, Buffer.concat(messages.map(counted)), how)
    },
  }
}

async function secure({ host, port, ca, client }: Place & SyslogCredentials): Promise<Socket> {
  const authorities = await ca?.()
  return connectTls({
    host,
    port,
    minVersion: 'TLSv1.2',
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(authorities === undefined ? {} : { ca: authorities }),
    ...(await client?.()),
  })
}

function format({ severity, time, name, body }: Message): Buffer {
  const priority = facility * 8 + severities[severity]
  const host =
    hostname()
      .replace(/[^!-~]/g, '-')
      .slice(0, 255) || '-'
  const head = `<${priority}>1 ${timestamp(time)} ${host} sallyport ${process.pid} ${msgid(name)} - `
  // JSON on one line: a line feed within a text is escaped, so nobody can begin a message of their own.
  return Buffer.concat([Buffer.from(head), body])
}

/** What is no time of RFC 5424 (6.2.3) is told as none: nobody writes a header with it. */
function timestamp(time: string): string {
  const form = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:Z|[+-]\d\d:\d\d)$/
  return form.test(time) ? time : '-'
}

function msgid(name: string): string {
  return name.replaceAll(/[^!-~]/g, '').slice(0, 32) || '-'
}

function lines(messages: readonly Message[]): Buffer {
  return Buffer.concat(messages.flatMap((one) => [format(one), Buffer.from('\n')]))
}

function counted(message: Message): Buffer {
  const bytes = format(message)
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
}

function write(
  socket: Socket,
  bytes: Uint8Array,
  { timeoutMs, signal }: SendOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no end within ${timeoutMs} ms`)),
      timeoutMs,
    )
    const ending = whenAborted(signal, (reason) => socket.destroy(reason))
    const began = performance.now()
    let pause: NodeJS.Timeout | undefined
    let isEnded = false
    socket.once('error', reject)
    socket.once('close', (hadError) => {
      for (const one of [timer, pause]) clearTimeout(one)
      ending?.[Symbol.dispose]()
      if (!hadError) resolve()
    })
    socket.once('end', () => {
      if (!isEnded) socket.destroy(new Error('the other side closed the connection first'))
    })
    socket.resume()
    socket.write(bytes, () => {
      // As long as it took to come this far, which is a way there and back at least: so long the other side may say no.
      const ms = Math.min(Math.max(performance.now() - began, leastPauseMs), longestPauseMs)
      pause = setTimeout(() => {
        isEnded = true
        socket.end()
      }, ms)
    })
  })
}

function sendDatagram(
  bytes: Uint8Array,
  { host, port, timeoutMs, signal }: Place & SendOptions,
): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not sent within ${timeoutMs} ms`)), timeoutMs)
    const done = (error?: Error | null): void => {
      clearTimeout(timer)
      ending?.[Symbol.dispose]()
      if (error == null) resolve()
      else reject(error)
    }
    const ending = whenAborted(signal, done)
    socket.once('error', done)
    socket.send(bytes, port, host, done)
  }).finally(() => socket.close())
}
