import { spawn, type ChildProcess } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { dirname, extname, join } from 'node:path'
import type { Duplex } from 'node:stream'
import type { z } from 'zod'
import type { Json } from '#document'
import { quote, SallyportError } from '#error'
import { FrameReader, frame } from './frames.ts'
import { reply, results, type Request } from './messages.ts'

type Results = { readonly [K in keyof typeof results]: z.infer<(typeof results)[K]> }
interface Waiting {
  readonly resolve: (result: unknown) => void
  readonly reject: (cause: Error) => void
  readonly timer: NodeJS.Timeout
}

export interface ChannelOptions {
  /** Handed to the signer as its descriptor 4, for the passphrase. */
  readonly passphraseFd?: number
  /**
   * What the signer may do with files: read them, append to a journal as well, or make them durable. Node's permission
   * model forbids fsync, so a signer that remembers or makes keys runs without it.
   */
  readonly files: 'read' | 'append' | 'durable'
  readonly timeoutMs: number
}

const hardening = [
  '--disable-proto=throw',
  '--disallow-code-generation-from-strings',
  '--no-addons',
  '--disable-sigusr1',
  '--disable-warning=SecurityWarning',
] as const

// Node's permission model takes away what a signer never needs: child processes, workers, WASI, the inspector, and
// writing. Paths and roles are sent, never in argv.
const permissions: Readonly<Record<ChannelOptions['files'], readonly string[]>> = {
  read: ['--permission', '--allow-fs-read=*'],
  append: ['--permission', '--allow-fs-read=*', '--allow-fs-write=*'],
  durable: [],
}

// Nothing of the environment but where compiled code is kept, when this process keeps some: a start takes half the time.
// That folder is only ours, and who can write there could as well start a signer of his own.
function compiledCode(): NodeJS.ProcessEnv {
  const folder = getCompileCacheDir()
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: dirname(folder) }
}

/** The parent's end: one child process, requests and replies in order, every wait bounded. */
export class Channel {
  readonly #child: ChildProcess
  readonly #socket: Duplex & { ref(): void; unref(): void }
  readonly #reader = new FrameReader()
  readonly #waiting = new Map<number, Waiting>()
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>
  readonly #timeoutMs: number
  #nextId = 0
  #closing = false
  #errors = ''

  constructor(options: ChannelOptions) {
    const program = join(import.meta.dirname, `process${extname(import.meta.filename)}`)
    this.#timeoutMs = options.timeoutMs
    this.#child = spawn(process.execPath, [...hardening, ...permissions[options.files], program], {
      cwd: '/',
      env: compiledCode(),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', options.passphraseFd ?? 'ignore'],
    })
    this.#socket = this.#child.stdio[3] as Duplex & { ref(): void; unref(): void }
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#socket.on('error', () => this.#child.kill('SIGKILL'))
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#errors.length < 2048) this.#errors += chunk.toString('latin1')
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (cause) => this.#end(cause.message, resolve))
      this.#child.once('close', (code, signal) =>
        this.#end(signal ?? `exit code ${String(code)}`, resolve),
      )
    })
    this.#idle(true)
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** @throws SallyportError what the signer answered, or SIGNER_DIED, SIGNER_TIMEOUT, SIGNER_MESSAGE */
  async call<K extends Request['do']>(request: Extract<Request, { do: K }>): Promise<Results[K]> {
    if (this.#closing) throw died('the signer was closed before')
    // Starting takes as long as the machine is busy; deriving the key from the passphrase is slow on purpose.
    const starts = ['create', 'create-memory', 'open'].includes(request.do)
    const timeoutMs = starts ? Math.max(60_000, this.#timeoutMs) : this.#timeoutMs
    const id = this.#nextId++
    const message = frame({ id, request: request as unknown as Json })
    const result = await new Promise<unknown>((resolve, reject) => {
      const timer = setTimeout(() => this.#timeOut(id, timeoutMs), timeoutMs)
      this.#waiting.set(id, { resolve, reject, timer })
      this.#idle(false)
      this.#socket.write(message)
    })
    return results[request.do].parse(result) as Results[K]
  }

  /** Ends the process and waits until it is gone. */
  async close(): Promise<void> {
    this.#closing = true
    this.#socket.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 2000)
    this.#child.ref()
    await this.ended
    clearTimeout(timer)
  }

  #receive(chunk: Buffer): void {
    try {
      for (const message of this.#reader.push(chunk)) this.#settle(reply.parse(message))
    } catch {
      this.#child.kill('SIGKILL')
    }
  }

  #settle(answer: z.infer<typeof reply>): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    clearTimeout(waiting?.timer)
    this.#idle(this.#waiting.size === 0)
    if ('result' in answer) waiting?.resolve(answer.result)
    else {
      const [first, ...also] = answer.problems
      if (first !== undefined) waiting?.reject(new SallyportError(first, { also }))
    }
  }

  #timeOut(id: number, timeoutMs: number): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    // A signer that hangs is not trusted to hang only once.
    this.#child.kill('SIGKILL')
    waiting?.reject(
      new SallyportError({
        code: 'SIGNER_TIMEOUT',
        where: 'the signer process',
        expected: `an answer within ${timeoutMs} ms`,
        found: 'none; the process was ended',
        fix: 'Try again; if it happens again, look at the load and the disk of this machine',
      }),
    )
  }

  #end(how: string, resolve: () => void): void {
    this.#closing = true
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer)
      reject(died(this.#errors === '' ? how : `${how}: ${quote(this.#errors.trim(), 400)}`))
    }
    this.#waiting.clear()
    resolve()
  }

  /** An idle signer must not keep the program alive that uses it. */
  #idle(idle: boolean): void {
    const change = idle ? 'unref' : 'ref'
    this.#child[change]()
    this.#socket[change]()
    ;(this.#child.stderr as unknown as { ref(): void; unref(): void } | null)?.[change]()
  }
}

function died(found: string): SallyportError {
  return new SallyportError({
    code: 'SIGNER_DIED',
    where: 'the signer process',
    expected: 'a running signer',
    found,
    fix: 'Start the signer again; if it ends again, run `sallyport doctor`',
  })
}
