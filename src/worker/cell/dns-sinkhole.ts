import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

import { answerTo, readQuestion } from './dns.ts'

/** Names that were asked for, and how often. */
export interface NameReport {
  readonly names: readonly { readonly name: string; readonly count: number }[]
  readonly full: boolean
}

const maxNames = 1024
const maxMessage = 4096

/** A resolver that knows no name and remembers what it was asked, on port 53 of every address, UDP and TCP. */
export class DnsSinkhole {
  readonly #counts = new Map<string, number>()
  #full = false

  /** IPv6 is left out where the kernel has none. */
  async listen(port = 53): Promise<void> {
    await this.#listen(port, 'udp4', '0.0.0.0')
    await this.#listen(port, 'udp6', '::').catch(() => {})
  }

  forget(): void {
    this.#counts.clear()
    this.#full = false
  }

  report(): NameReport {
    const names = [...this.#counts].map(([name, count]) => ({ name, count }))
    return { names, full: this.#full }
  }

  async #listen(port: number, family: 'udp4' | 'udp6', address: string): Promise<void> {
    const udp = createSocket({ type: family, ipv6Only: family === 'udp6' })
    udp.on('message', (message, from) => {
      const answer = this.#answer(message)
      if (answer !== undefined) udp.send(answer, from.port, from.address, () => {})
    })
    udp.bind(port, address)
    await once(udp, 'listening')
    const tcp = createServer((socket) => this.#serve(socket))
    tcp.maxConnections = 64
    tcp.listen({ port, host: address, ipv6Only: true })
    await once(tcp, 'listening')
    // Whatever the build does to a socket is the build's own trouble.
    udp.on('error', () => {})
    tcp.on('error', () => {})
  }

  #serve(socket: Socket): void {
    let received = Buffer.alloc(0)
    socket.setTimeout(5000, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < 2) return
      const length = received.readUInt16BE(0)
      if (length > maxMessage) return void socket.destroy()
      if (received.length < 2 + length) return
      const answer = this.#answer(received.subarray(2, 2 + length))
      if (answer === undefined) return void socket.destroy()
      const prefix = Buffer.alloc(2)
      prefix.writeUInt16BE(answer.length)
      socket.end(Buffer.concat([prefix, answer]))
    })
  }

  #answer(message: Buffer): Buffer | undefined {
    const read = readQuestion(message)
    if (read !== undefined) this.#count(read.question.name)
    return answerTo(message)
  }

  #count(name: string): void {
    const count = this.#counts.get(name)
    if (count === undefined && this.#counts.size >= maxNames) this.#full = true
    else this.#counts.set(name, (count ?? 0) + 1)
  }
}
