import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { makeHome, startInside, tokens, type GateHome, type Inside } from './gate.ts'

/** A gate with everything that listens, in front of one registry of the test. */
export interface AllRoles {
  readonly home: GateHome
  readonly gate: Inside
  /** By what listens there. */
  readonly addresses: Readonly<Record<Listening, string>>
  /** The registry behind both proxies: `http://127.0.0.1:…`. */
  readonly upstream: string
  close(): Promise<void>
}

export const listening = ['gate', 'oci', 'npm'] as const
export type Listening = (typeof listening)[number]

export async function startAllRoles(upstream: RequestListener, more = ''): Promise<AllRoles> {
  const registry = createServer(upstream)
  registry.listen(0, '127.0.0.1')
  await once(registry, 'listening')
  const base = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
  const home = await makeHome(`proxies:
  oci:
    port: 0
    upstreams: {registry.example: '${base}'}
    targets: [{prefix: registry.example/acme/, environment: production, service: shop}]
  npm:
    port: 0
    upstream: ${base}
    target: {environment: production, service: shop}
${more}`)
  const gate = await startInside(home)
  const told = (event: string): string => {
    const line = gate.journal.find((text) => text.includes(`"event":"${event}"`)) ?? '{}'
    return (JSON.parse(line) as { address: string }).address
  }
  return {
    home,
    gate,
    addresses: {
      gate: gate.address,
      oci: told('OCI proxy listening'),
      npm: told('npm proxy listening'),
    },
    upstream: base,
    async close() {
      await home.close()
      registry.close()
      registry.closeAllConnections()
    },
  }
}

export const asDeployer = `Authorization: Bearer ${tokens.deployer}\r\n`

/** Sends bytes as they are, and gives all that comes back until the other side closes the connection. */
export function sendRaw(address: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname)
    const chunks: Buffer[] = []
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')))
    socket.write(bytes, 'latin1')
  })
}

/** The statuses of all answers, in their order. */
export function statusesIn(text: string): readonly number[] {
  return [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}
