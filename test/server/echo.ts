import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

/** A TLS server that sends back what it gets, after `before`: what a gate on the same machine is held against. */
export async function startEcho(
  tls: { readonly cert: Buffer; readonly key: Buffer },
  before?: () => Promise<void>,
) {
  const server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const answer = (): unknown => response.end(Buffer.concat(chunks))
      if (before === undefined) answer()
      else void before().then(answer)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: `https://127.0.0.1:${port}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
