import { createHmac } from 'node:crypto'
import { encodeEvent } from '../event.ts'
import type { Sink } from '../sink.ts'

export interface WebhookOptions {
  readonly url: string
  /** Shared with whoever listens; called for each event, so that it can be changed. */
  readonly secret?: () => Promise<Uint8Array>
  readonly clock: () => Date
}

/**
 * Posts the event as JSON. With a secret, `sallyport-signature: t=SECONDS,v1=HEX` proves who sent it: HMAC-SHA256 over
 * `SECONDS.BODY`. Redirects are not followed, and anything but 2xx is a failure.
 */
export function webhookSink({ url, secret, clock }: WebhookOptions): Sink {
  return {
    name: `webhook ${url}`,
    async send(event, { timeoutMs }) {
      const body = Buffer.from(encodeEvent(event))
      const seconds = Math.floor(clock().getTime() / 1000)
      const response = await fetch(url, {
        method: 'POST',
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          'content-type': 'application/json',
          'sallyport-event': event.type,
          'sallyport-delivery': event.id,
          ...(secret === undefined
            ? {}
            : { 'sallyport-signature': signature(await secret(), seconds, body) }),
        },
        body,
      })
      await response.body?.cancel()
      if (!response.ok) throw new Error(`status ${response.status}`)
    },
  }
}

function signature(secret: Uint8Array, seconds: number, body: Uint8Array): string {
  const mac = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest('hex')
  return `t=${seconds},v1=${mac}`
}
