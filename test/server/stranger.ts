import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:tls'
import { makeAuthority } from './certificates.ts'

/** Somebody who answers at the address of a gate, with a certificate that proves nothing to who believes another authority. */
export interface Stranger {
  readonly url: string
  /** The certificate of the authority that is believed, and of the stranger's own: files. */
  readonly believed: string
  readonly own: string
  /** All that came through TLS. */
  heard(): string
  close(): void
}

/** `address`: where it listens; its certificate is for 127.0.0.1. */
export async function startStranger(address = '127.0.0.1'): Promise<Stranger> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-stranger-'))
  const [ours, theirs] = ['ours', 'theirs'].map((name) => {
    mkdirSync(join(folder, name))
    return makeAuthority(join(folder, name), name)
  })
  if (ours === undefined || theirs === undefined) throw new Error('no authorities')
  const { certificate, key } = theirs.issue('gate', 'gate')
  let heard = ''
  const options = { cert: readFileSync(certificate), key: readFileSync(key) }
  const server = createServer(options, (socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (bytes: Buffer) => {
      heard += bytes.toString('latin1')
      socket.end('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    })
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, address)
  await once(server, 'listening')
  return {
    url: `https://${address}:${(server.address() as AddressInfo).port}`,
    believed: ours.certificate,
    own: theirs.certificate,
    heard: () => heard,
    close() {
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
