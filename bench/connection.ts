// A client over TLS that does as little as it can for each question: it shares the processors with who is measured.
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** What came back: the status, and the body as Latin-1. Status 0: nothing whole. */
export interface Answer {
  readonly status: number
  readonly body: string
}

/** A POST of JSON to be written as it is. */
export function postOf(url: URL, json: string): Buffer {
  const body = Buffer.from(json)
  const head = [
    `POST ${url.pathname}${url.search} HTTP/1.1`,
    `host: ${url.host}`,
    'content-type: application/json',
    `content-length: ${body.length}`,
  ]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
}

const none: Answer = { status: 0, body: '' }

/** A connection that is kept: one question at a time. */
export class Connection {
  readonly #socket: TLSSocket
  #text = ''
  /** How long the answer is, once its head is there. */
  #length = Infinity
  #bodyAt = 0
  #told: ((answer: Answer) => void) | undefined

  private constructor(socket: TLSSocket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#take(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => this.#tell(none))
  }

  static async open({ hostname, port }: URL, ca: string): Promise<Connection> {
    const socket = connect({ host: hostname, port: Number(port), ca, ALPNProtocols: ['http/1.1'] })
    await once(socket, 'secureConnect')
    socket.setNoDelay(true)
    return new Connection(socket)
  }

  ask(request: Buffer, told: (answer: Answer) => void): void {
    if (this.#socket.destroyed) return told(none)
    this.#told = told
    this.#socket.write(request)
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(chunk: string): void {
    this.#text += chunk
    if (this.#length === Infinity) this.#readHead()
    if (this.#text.length < this.#length) return
    const [text, from] = [this.#text, this.#bodyAt]
    this.#text = ''
    this.#length = Infinity
    this.#tell({ status: Number(text.slice(9, 12)), body: text.slice(from) })
  }

  #readHead(): void {
    const end = this.#text.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = /\r\ncontent-length: (\d+)\r\n/i.exec(this.#text.slice(0, end + 2))?.[1]
    // Nothing that is measured answers in chunks.
    if (length === undefined) return this.close()
    this.#bodyAt = end + 4
    this.#length = this.#bodyAt + Number(length)
  }

  #tell(answer: Answer): void {
    const told = this.#told
    this.#told = undefined
    told?.(answer)
  }
}
