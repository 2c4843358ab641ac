import { createSocket } from 'node:dgram'
import { connect, isIPv6, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { encodeEvent, type SecurityEvent } from '../event.ts'
import type { Sink } from '../sink.ts'

export type SyslogOptions =
  | { readonly host: string; readonly port: number; readonly protocol: 'udp' | 'tcp' }
  /** A stream socket of this machine. */
  | { readonly socket: string }

/** 13: log audit (RFC 5424, 6.2.1). */
const facility = 13
const severities = { critical: 2, error: 3, notice: 5 } as const

/**
 * Sends the event as one message of RFC 5424, with its JSON as the text: over UDP, over TCP with octet counting (RFC 6587,
 * 3.4.1), or over a Unix stream socket with a line feed after each. Syslog answers nothing: over UDP it counts as told
 * when it is sent, else when the connection has taken all of it.
 */
export function syslogSink(options: SyslogOptions): Sink {
  if ('socket' in options) {
    const { socket } = options
    return {
      name: `syslog unix:${socket}`,
      send: (event, { timeoutMs }) =>
        write(connect(socket), Buffer.concat([message(event), Buffer.from('\n')]), timeoutMs),
    }
  }
  const { host, port, protocol } = options
  return {
    name: `syslog ${protocol}:${host}:${port}`,
    send: (event, { timeoutMs }) =>
      protocol === 'udp'
        ? sendDatagram(message(event), { host, port, timeoutMs })
        : write(connect(port, host), counted(message(event)), timeoutMs),
  }
}

function message(event: SecurityEvent): Buffer {
  const priority = facility * 8 + severities[event.severity]
  const name =
    hostname()
      .replace(/[^!-~]/g, '-')
      .slice(0, 255) || '-'
  const head = `<${priority}>1 ${event.time} ${name} sallyport ${process.pid} ${event.type} - `
  // JSON on one line: a line feed within a text is escaped, so nobody can begin a message of their own.
  return Buffer.concat([Buffer.from(head), encodeEvent(event)])
}

function counted(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length} `), bytes])
}

function write(socket: Socket, bytes: Uint8Array, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => socket.destroy(new Error(`no end within ${timeoutMs} ms`)),
      timeoutMs,
    )
    socket.once('error', reject)
    socket.once('close', (hadError) => {
      clearTimeout(timer)
      if (!hadError) resolve()
    })
    socket.resume()
    socket.end(bytes)
  })
}

function sendDatagram(
  bytes: Uint8Array,
  { host, port, timeoutMs }: { host: string; port: number; timeoutMs: number },
): Promise<void> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  return new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not sent within ${timeoutMs} ms`)), timeoutMs)
    const done = (error?: Error | null): void => {
      clearTimeout(timer)
      if (error == null) resolve()
      else reject(error)
    }
    socket.once('error', done)
    socket.send(bytes, port, host, done)
  }).finally(() => socket.close())
}
