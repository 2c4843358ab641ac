import { spawn, type ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'

import type { NameReport } from './dns-sinkhole.ts'
import { readLines } from './lines.ts'
import type { ServedPackage } from './npm-registry.ts'
import type { CellSpec } from './protocol.ts'
import type { ServicesReply, ServicesRequest } from './services.ts'

type Reply<Type extends ServicesReply['type']> = Extract<ServicesReply, { readonly type: Type }>

/** Who serves, when the cell has more than one uid: neither the supervisor nor the commands. */
const servicesUid = 2
const maxReply = 4 << 20
// Where the child finds the node binary; the tarballs follow.
const firstFd = 3

/** The unprivileged process of the resolver and the registry, as the supervisor sees it. */
export class Services {
  readonly #child: ChildProcess
  readonly #replies: AsyncGenerator<string>
  readonly #onFailure: (found: string, tarball?: string) => void
  #waiting: ((reply: ServicesReply) => void) | undefined
  #ended = false

  /** `onFailure` is called when a tarball is not what was locked, or when the process ends before `stop`. */
  constructor(spec: CellSpec, onFailure: (found: string, tarball?: string) => void) {
    const packages = spec.npmRegistry ?? []
    const script = import.meta.filename.replace('services-client', 'services')
    const own =
      spec.payloadUid === 0
        ? []
        : [`--reuid=${servicesUid}`, `--regid=${servicesUid}`, '--clear-groups']
    const bare = ['--bounding-set=-all', '--inh-caps=-all', '--ambient-caps=-all', '--no-new-privs']
    const node = [`/proc/self/fd/${firstFd}`, script]
    this.#onFailure = onFailure
    this.#child = spawn(spec.tools.setpriv, [...own, ...bare, ...node], {
      cwd: '/',
      env: {},
      stdio: ['pipe', 'pipe', 'inherit', spec.nodeFd, ...packages.map(({ tarball }) => tarball.fd)],
    })
    this.#child.once('error', (error) => this.#fail(error.message))
    this.#child.once('exit', (code, signal) => this.#fail(`exit ${code ?? signal}`))
    this.#replies = readLines(this.#child.stdout as Readable, maxReply)
    void this.#listen()
  }

  async start(packages: readonly ServedPackage[] | undefined): Promise<void> {
    const moved = packages?.map((served, index) => ({
      ...served,
      tarball: { ...served.tarball, fd: firstFd + 1 + index },
    }))
    await this.#ask({ type: 'start', ...(moved === undefined ? {} : { packages: moved }) }, 'ready')
  }

  async forget(): Promise<void> {
    await this.#ask({ type: 'forget' }, 'forgotten')
  }

  async report(): Promise<NameReport> {
    return (await this.#ask({ type: 'report' }, 'report')).names
  }

  stop(): void {
    this.#ended = true
    this.#child.kill('SIGKILL')
  }

  async #ask<Type extends ServicesReply['type']>(
    request: ServicesRequest,
    expected: Type,
  ): Promise<Reply<Type>> {
    const answered = new Promise<ServicesReply>((resolve) => (this.#waiting = resolve))
    const input = this.#child.stdin as Writable
    input.on('error', () => {}) // The process ended: `exit` says so.
    input.write(`${JSON.stringify(request)}\n`)
    const reply = await answered
    if (reply.type !== expected) throw new Error(`the services answered ${reply.type}`)
    return reply as Reply<Type>
  }

  async #listen(): Promise<void> {
    for await (const line of this.#replies) {
      const reply = JSON.parse(line) as ServicesReply
      if (reply.type === 'bad-tarball') this.#onFailure(reply.found, reply.name)
      else this.#waiting?.(reply)
    }
  }

  #fail(found: string): void {
    if (!this.#ended) this.#onFailure(found)
    this.#ended = true
  }
}
