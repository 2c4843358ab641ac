import { createServer, type AddressInfo, type Socket } from 'node:net'

export interface FakeDatabase {
  readonly port: number
  close(): void
}

/** Lets everybody in, and answers whatever is asked with these bytes; `onOpen` hears how many are connected then. */
export async function startFakeDatabase(
  answer: Uint8Array,
  onOpen: (open: number) => void = () => undefined,
): Promise<FakeDatabase> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    onOpen(sockets.size)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.once('data', () => {
      socket.write(Buffer.concat([message('R', Buffer.alloc(4)), ready]))
      socket.on('data', (bytes: Buffer) => {
        // But for a goodbye.
        if (bytes[0] !== 0x58) socket.write(answer)
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = (): void => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { port: (server.address() as AddressInfo).port, close }
}

/** One of the protocol of PostgreSQL, version 3; its length may be another than it says. */
export function message(type: string, body: string | Uint8Array, length?: number): Buffer {
  const bytes = Buffer.from(body)
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeInt32BE(length ?? bytes.length + 4, 1)
  return Buffer.concat([head, bytes])
}

export const ready = message('Z', 'I')
