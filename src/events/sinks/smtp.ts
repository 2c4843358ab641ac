import { connect, isIP, type Socket } from 'node:net'
import { hostname } from 'node:os'
import { connect as connectTls } from 'node:tls'
import type { Message } from '../message.ts'
import { whenAborted, type Sink } from '../sink.ts'

export interface SmtpOptions {
  readonly host: string
  readonly port: number
  readonly from: string
  /** One person: a server that refuses one of many would leave all the others untold. */
  readonly to: string
  /** `starttls` is mandatory where it is asked for: a server without it is not told anything. */
  readonly tls: 'starttls' | 'implicit' | 'off'
  /** PEM certificates of a private authority; called for each mail. */
  readonly ca?: () => Promise<string>
}

/** Sends each message by mail (RFC 5321): the summary as subject, its JSON in the text. */
export function smtpSink(options: SmtpOptions): Sink {
  const { host, port, to } = options
  return {
    name: `smtp ${host}:${port} ${to}`,
    way: `smtp ${host}:${port}`,
    most: 1,
    async send(messages, { timeoutMs, signal }) {
      const ca = await options.ca?.()
      const secure = {
        host,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca }),
      }
      const socket =
        options.tls === 'implicit' ? connectTls({ ...secure, port }) : connect(port, host)
      const timer = setTimeout(
        () => talk.fail(new Error(`no answer within ${timeoutMs} ms`)),
        timeoutMs,
      )
      const talk = new Talk(socket)
      using _ending = whenAborted(signal, (reason) => talk.fail(reason))
      try {
        await talk.expect('220')
        await greet(talk)
        if (options.tls === 'starttls') {
          await talk.say('STARTTLS', '220')
          talk.secure(secure)
          await greet(talk)
        }
        for (const one of messages) await deliver(talk, one, options)
        // They have been taken; how the server says goodbye changes nothing.
        await talk.say('QUIT', '221').catch(() => undefined)
      } finally {
        clearTimeout(timer)
        talk.close()
      }
    },
  }
}

async function greet(talk: Talk): Promise<void> {
  await talk.say(`EHLO ${hostname().replace(/[^A-Za-z0-9.-]/g, '-') || 'localhost'}`, '250')
}

async function deliver(talk: Talk, message: Message, { from, to }: SmtpOptions): Promise<void> {
  await talk.say(`MAIL FROM:<${from}>`, '250')
  await talk.say(`RCPT TO:<${to}>`, '25')
  await talk.say('DATA', '354')
  await talk.say(`${mailOf(message, from, to)}\r\n.`, '250')
}

function mailOf(message: Message, from: string, to: string): string {
  const { id, time, summary, body } = message
  const event: unknown = JSON.parse(Buffer.from(body).toString())
  const text = Buffer.from(`${summary}\n\n${JSON.stringify(event, undefined, 2)}\n`)
  // Base64 has no dot at the start of a line, and nobody writes headers with a name that they chose.
  const lines = text.toString('base64').match(/.{1,76}/g) ?? []
  return [
    `Date: ${new Date(time).toUTCString().replace('GMT', '+0000')}`,
    `From: <${from}>`,
    `To: <${to}>`,
    `Subject: ${encoded(`[sallyport] ${summary.slice(0, 300)}`)}`,
    `Message-ID: <${id}@sallyport.invalid>`,
    'MIME-Version: 1.0',
    'Auto-Submitted: auto-generated',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    ...lines,
  ].join('\r\n')
}

/** RFC 2047, in words that are short enough, each of whole characters. */
function encoded(text: string): string {
  const words: string[] = ['']
  for (const character of text.toWellFormed()) {
    const last = words.at(-1) ?? ''
    if (Buffer.byteLength(last + character) > 42) words.push(character)
    else words[words.length - 1] = last + character
  }
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}

const maxReply = 16_384

/** One conversation: each line is answered before the next is said. */
class Talk {
  #socket: Socket
  #buffer = ''
  #error: Error | undefined
  #wake: (() => void) | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    this.#listen()
  }

  #listen(): void {
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (chunk: string) => {
      this.#buffer += chunk
      if (this.#buffer.length > maxReply) this.fail(new Error('too long an answer'))
      this.#wake?.()
    })
    this.#socket.on('error', (error) => this.fail(error))
    this.#socket.on('close', () => this.fail(new Error('the connection was closed')))
  }

  fail(error: Error): void {
    this.#error ??= error
    this.#wake?.()
  }

  async say(line: string, code: string): Promise<void> {
    if (this.#error !== undefined) throw this.#error
    this.#socket.write(`${line}\r\n`)
    await this.expect(code)
  }

  async expect(code: string): Promise<void> {
    for (;;) {
      const end = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\r?\n/.exec(this.#buffer)
      if (end !== null) {
        const [reply] = end
        this.#buffer = this.#buffer.slice(reply.length)
        const last = reply.trimEnd().split('\n').at(-1) ?? ''
        if (last.startsWith(code)) return
        throw new Error(`the server said ${JSON.stringify(last.slice(0, 200))}`)
      }
      if (this.#error !== undefined) throw this.#error
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  /** From here on only what is said within TLS counts. */
  secure(options: { readonly host: string }): void {
    // CVE-2011-0411: what came before the handshake was said by anybody.
    if (this.#buffer !== '') throw new Error('the server said more before TLS began')
    const plain = this.#socket
    plain.removeAllListeners('data')
    plain.removeAllListeners('close')
    this.#socket = connectTls({ ...options, socket: plain })
    this.#listen()
  }

  close(): void {
    this.#socket.destroy()
  }
}
