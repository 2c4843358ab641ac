import { createHash, createHmac } from 'node:crypto'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Message } from '../message.ts'
import { whenAborted, type SendOptions, type Sink } from '../sink.ts'

export interface WebhookOptions {
  readonly url: string
  /** Shared with whoever listens; called for each request, so that it can be changed. */
  readonly secret?: () => Promise<Uint8Array>
  /** The whole value of `Authorization`, such as `Splunk TOKEN`; called for each request. */
  readonly authorization?: () => Promise<string>
  /** Authorities that are believed instead of those of the system; called for each request. */
  readonly ca?: () => Promise<string>
  /**
   * `json`: one message as it is. `cloudevents`: one event in structured mode; `cloudevents-batch`: an array of them (HTTP
   * Protocol Binding for CloudEvents 1.0, 3.2 and 3.3).
   */
  readonly format: keyof typeof mediaTypes
  /** Messages in one request; one alone unless the format is a batch. */
  readonly most?: number
  readonly clock: () => Date
}

const mediaTypes = {
  json: 'application/json',
  cloudevents: 'application/cloudevents+json; charset=utf-8',
  'cloudevents-batch': 'application/cloudevents-batch+json; charset=utf-8',
} as const

/**
 * Posts messages as JSON. With a secret, `sallyport-signature: t=SECONDS,v1=HEX` proves who sent it: HMAC-SHA256 over
 * `SECONDS.BODY`. Redirects are not followed, and anything but 2xx is a failure.
 */
export function webhookSink(options: WebhookOptions): Sink {
  const { url, format, clock } = options
  const isBatch = format === 'cloudevents-batch'
  return {
    name: nameOf(url),
    most: isBatch ? (options.most ?? 100) : 1,
    async send(messages, { timeoutMs, signal }) {
      const [first] = messages
      if (first === undefined) return
      const body = isBatch ? batch(messages) : Buffer.from(first.body)
      const seconds = Math.floor(clock().getTime() / 1000)
      const secret = await options.secret?.()
      const authorization = await options.authorization?.()
      const status = await post(url, {
        body,
        ca: await options.ca?.(),
        timeoutMs,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          'content-type': mediaTypes[format],
          'sallyport-event': first.name,
          'sallyport-delivery': first.id,
          ...(authorization === undefined ? {} : { authorization }),
          ...(secret === undefined
            ? {}
            : { 'sallyport-signature': signature(secret, seconds, body) }),
        },
      })
      if (status < 200 || status > 299) throw new Error(`status ${status}`)
    },
  }
}

/** Many take whoever knows the path of their address for who may send there: it is told from others, and not told. */
function nameOf(url: string): string {
  const { origin } = new URL(url)
  return `webhook ${origin} ${createHash('sha256').update(url).digest('hex').slice(0, 8)}`
}

interface Post extends SendOptions {
  readonly body: Uint8Array
  readonly headers: Readonly<Record<string, string>>
  readonly ca: string | undefined
}

/** What is answered is not read, and a redirect is an answer like any other. */
function post(url: string, { body, headers, ca, timeoutMs, signal }: Post): Promise<number> {
  const request = url.startsWith('https:') ? requestHttps : requestHttp
  return new Promise((resolve, reject) => {
    const asking = request(url, {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-length': body.length },
      signal: AbortSignal.timeout(timeoutMs),
      ...(ca === undefined ? {} : { ca }),
    })
    const ending = whenAborted(signal, (reason) => asking.destroy(reason))
    asking.once('close', () => ending?.[Symbol.dispose]())
    asking.once('error', reject)
    asking.once('upgrade', ({ statusCode }, socket) => {
      socket.destroy()
      reject(new Error(`status ${statusCode}`))
    })
    asking.once('response', (response) => {
      resolve(response.statusCode ?? 0)
      response.once('error', () => undefined)
      response.destroy()
    })
    asking.end(body)
  })
}

function batch(messages: readonly Message[]): Buffer {
  const parts = messages.flatMap(({ body }, at) => [Buffer.from(at === 0 ? '[' : ','), body])
  return Buffer.concat([...parts, Buffer.from(']')])
}

function signature(secret: Uint8Array, seconds: number, body: Uint8Array): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  return `t=${seconds},v1=${mac}`
}
