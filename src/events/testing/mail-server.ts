import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'

/** A mail server that says what it is told to, of a line or of each with its verb, and keeps what was said to it. */
export async function mailServer(
  replies: Readonly<Record<string, string>> = {},
  tls?: { readonly key: string; readonly cert: string },
) {
  const said: string[] = []
  const sockets: Socket[] = []
  let isSecure = false
  const talk = (socket: Socket): void => {
    let rest = ''
    let isData = false
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.toString('latin1')
      for (let end = rest.indexOf('\r\n'); end >= 0; end = rest.indexOf('\r\n')) {
        const line = rest.slice(0, end)
        rest = rest.slice(end + 2)
        said.push(line)
        if (isData && line !== '.') continue
        isData = line === 'DATA'
        const verb = line.split(/[ :]/)[0] ?? ''
        socket.write(`${replies[line] ?? replies[verb] ?? answers[verb] ?? '500 what'}\r\n`)
        if (verb === 'STARTTLS' && tls !== undefined && replies['STARTTLS'] === undefined) {
          socket.removeAllListeners('data')
          isSecure = true
          talk(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(tls) }))
          return
        }
      }
    })
  }
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.write(`${replies['greeting'] ?? '220-mail.example\r\n220 ready'}\r\n`)
    talk(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { port, said, isSecure: () => isSecure, [Symbol.dispose]: close }
}

const answers: Readonly<Record<string, string>> = {
  EHLO: '250-mail.example\r\n250-STARTTLS\r\n250 8BITMIME',
  STARTTLS: '220 go on',
  MAIL: '250 ok',
  RCPT: '250 ok',
  DATA: '354 send it',
  '.': '250 queued',
  QUIT: '221 bye',
}
