import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

import type { CanaryTargets } from './cell/protocol.ts'

/** Things on the host that no sandbox can reach, with somebody who notices when one does. */
export interface Canaries {
  readonly targets: CanaryTargets
  /** The names of those that were reached. */
  reached(): string[]
  close(): void
}

/** Puts a file like a private key and three listening sockets where a careless sandbox would find them. */
export async function placeCanaries(folder: string): Promise<Canaries> {
  const keyFile = join(folder, 'canary-key')
  writeFileSync(keyFile, randomBytes(32).toString('hex'), { mode: 0o600 })
  const unixSocket = join(folder, 'canary-socket')
  const abstractSocket = `sallyport-${randomBytes(16).toString('hex')}`
  const reached = new Set<string>()
  const [tcp, ...others] = await Promise.all([
    listen(reached, 'host-loopback', { host: '127.0.0.1', port: 0 }),
    listen(reached, 'host-unix-socket', { path: unixSocket }),
    listen(reached, 'host-abstract-socket', { path: `\0${abstractSocket}` }),
  ])
  // Whoever finds it may connect: only that it cannot be found protects it.
  chmodSync(unixSocket, 0o777)
  return {
    targets: {
      keyFile,
      npmrc: join(homedir(), '.npmrc'),
      unixSocket,
      abstractSocket,
      port: (tcp.address() as AddressInfo).port,
      pid: process.pid,
    },
    reached: () => [...reached].sort(),
    close: () => [tcp, ...others].forEach((server) => server.close()),
  }
}

async function listen(
  reached: Set<string>,
  name: string,
  where: { host: string; port: number } | { path: string },
): Promise<Server> {
  const server = createServer((socket) => {
    reached.add(name)
    socket.on('error', () => {})
    socket.destroy()
  })
  server.listen(where)
  await once(server, 'listening')
  return server.unref()
}
