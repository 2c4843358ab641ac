import { request as httpRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { request as httpsRequest, Agent as HttpsAgent } from 'node:https'
import { quote, SallyportError } from '#error'
import type { WitnessLink } from '#log'
import type { PolicyWitness } from '#merkle'

const maxAnswer = 64 * 1024

/** Speaks to a witness over HTTP. Connections are kept; `ca` are authorities besides those of the system. */
export function openLink(
  { name, key, url }: PolicyWitness & { readonly url: string },
  ca: string | undefined,
): WitnessLink & { close(): void } {
  const base = url.endsWith('/') ? url : `${url}/`
  const isSecure = base.startsWith('https:')
  const keep = { keepAlive: true, maxSockets: 2 }
  const agent = isSecure
    ? new HttpsAgent({ ...keep, ...(ca === undefined ? {} : { ca }) })
    : new HttpAgent(keep)
  return {
    name,
    url,
    key,
    close: () => agent.destroy(),
    ask: async ({ method, path, body, timeoutMs }) => {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const response = await new Promise<IncomingMessage>((resolve, reject) => {
          const asked = (isSecure ? httpsRequest : httpRequest)(new URL(path, base), {
            method,
            agent,
            signal,
            maxHeaderSize: 16 * 1024,
            ...(body === undefined ? {} : { headers: headersFor(body) }),
          })
          asked.once('response', resolve)
          asked.once('error', reject)
          asked.once('upgrade', ({ statusCode }, socket) => {
            socket.destroy()
            reject(new Error(`status ${statusCode}`))
          })
          asked.end(body)
        })
        return {
          status: response.statusCode ?? 0,
          mediaType: response.headers['content-type'] ?? '',
          text: await readText(response),
        }
      } catch (cause) {
        throw unreachable({ name, url }, signal.aborted ? `nothing within ${timeoutMs} ms` : cause)
      }
    },
  }
}

function headersFor(body: string): Record<string, string | number> {
  return { 'content-type': 'text/plain; charset=utf-8', 'content-length': Buffer.byteLength(body) }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxAnswer) throw new Error(`an answer of more than ${maxAnswer} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unreachable(
  { name, url }: { readonly name: string; readonly url: string },
  cause: unknown,
): SallyportError {
  const found = typeof cause === 'string' ? cause : cause instanceof Error ? cause.message : 'none'
  return new SallyportError(
    {
      code: 'WITNESS_UNREACHABLE',
      where: `witness ${quote(name, 60)} at ${url}`,
      expected: 'an answer',
      found: found.slice(0, 300),
      fix: 'See whether the witness runs, and whether this machine may speak to it',
    },
    { cause },
  )
}
