import { createServer as createHttp, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { createServer as createTls, type TLSSocket } from 'node:tls'
import { checkShape, parseJson } from '#document'
import { securityEventSchema, type ExportedEvent } from '#api'

/** One event, checked against its schema. */
export function readEvent(text: string): ExportedEvent {
  const what = 'an event'
  return checkShape(securityEventSchema, parseJson(Buffer.from(text), { what }), { what })
}

export interface Receiver {
  readonly port: number
  readonly events: ExportedEvent[]
  /** Everything that came, as it came. */
  readonly raw: () => string
  close(): void
}

export interface WebhookReceiver extends Receiver {
  readonly headers: IncomingHttpHeaders[]
  /** What it answers from now on; `silence` answers nothing. */
  answer(status: number | 'silence'): void
}

/** A receiver of CloudEvents over HTTP. What it does not take it forgets. */
export async function startWebhook(port = 0): Promise<WebhookReceiver> {
  const events: ExportedEvent[] = []
  const headers: IncomingHttpHeaders[] = []
  let raw = ''
  let status: number | 'silence' = 204
  const server = createHttp((request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => undefined)
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      if (status === 'silence') return
      if (status === 204) {
        const body = Buffer.concat(chunks).toString()
        raw += body
        headers.push(request.headers)
        const value = JSON.parse(body) as unknown
        for (const one of Array.isArray(value) ? value : [value])
          events.push(readEvent(JSON.stringify(one)))
      }
      response.writeHead(status).end()
    })
  })
  return {
    port: await listening(server, port),
    events,
    headers,
    raw: () => raw,
    answer: (now) => void (status = now),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

export interface SyslogReceiver extends Receiver {
  /** The messages as they were framed, without their lengths. */
  readonly messages: string[]
}

const head = /^<(\d{1,3})>1 (\S+) (\S+) sallyport (\d+) (\S{1,32}) - /

/** A receiver of syslog over TLS (RFC 5425): octet counting and nothing else. What is no frame is an error. */
export async function startSyslog(
  tls: { readonly cert: Buffer; readonly key: Buffer; readonly ca?: Buffer },
  port = 0,
): Promise<SyslogReceiver> {
  const events: ExportedEvent[] = []
  const messages: string[] = []
  let raw = ''
  const more = tls.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }
  const server = createTls({ ...tls, ...more }, (socket: TLSSocket) => {
    let rest = Buffer.alloc(0)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      raw += chunk.toString('latin1')
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const length = /^([1-9]\d{0,6}) /.exec(rest.subarray(0, 8).toString('latin1'))
        const from = length?.[0].length ?? 0
        const size = Number(length?.[1])
        if (length === null || rest.length < from + size) break
        const message = rest.subarray(from, from + size).toString()
        rest = rest.subarray(from + size)
        messages.push(message)
        events.push(readEvent(message.replace(head, '')))
      }
    })
  })
  return {
    port: await listening(server, port),
    events,
    messages,
    raw: () => raw,
    close: () => void server.close(),
  }
}

async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  return (server.address() as AddressInfo).port
}
