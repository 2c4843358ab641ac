import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { logShow, logVerify } from '#app'
import { loadConfig } from '#config'
import type { Cluster } from '../postgres/cluster.ts'
import { makeAuthority } from './certificates.ts'
import {
  endAll,
  makeHome,
  readReviewed,
  review,
  tokens,
  type GateHome,
  type Reviewed,
} from './gate.ts'

/** A home whose log is in a database of its own, and that answers over TLS. */
export interface PostgresHome extends GateHome {
  readonly database: string
  /** The home of one more replica, with the keys of the first. */
  replica(): Pick<PostgresHome, 'dir' | 'folder' | 'close'>
  /** Asks as an API server does, each time as somebody else. */
  ask(address: string, image: string): Promise<Asked>
  get(address: string, path: string): Promise<{ readonly status: number; readonly text: string }>
}

export interface Asked extends Reviewed {
  readonly user: string
  readonly ms: number
  /** What the audit annotation says about where it stands. */
  readonly place: string | undefined
}

let databases = 0
let users = 0

/** `spool` is YAML: `false`, or its settings. */
export async function makePostgresHome(
  cluster: Cluster,
  spool = '{}',
  waitSeconds = 1,
): Promise<PostgresHome> {
  const database = `gate_${process.pid}_${databases++}`
  await cluster.database(database)
  const url = `postgresql://admin@${encodeURIComponent(cluster.folder)}:${cluster.port}/${database}`
  const home = await makeHome(`serve: {port: 0, tls: {certificate: tls/gate.crt, key: tls/gate.key}}
store: {postgres: {url: '${url}', waitSeconds: ${waitSeconds}}}
`)
  const file = join(home.folder, 'sallyport.yaml')
  writeFileSync(file, readFileSync(file, 'utf8').replace(/^log:$/m, `log:\n  spool: ${spool}`))
  const tls = join(home.folder, 'tls')
  mkdirSync(tls)
  const authority = makeAuthority(tls)
  authority.issue('gate', 'gate')
  const agent = new Agent({ ca: readFileSync(authority.certificate), keepAlive: false })
  return {
    ...home,
    database,
    replica() {
      const dir = mkdtempSync(join(tmpdir(), 'sallyport-replica-'))
      const folder = join(dir, '.sallyport')
      cpSync(home.folder, folder, { recursive: true })
      return {
        dir,
        folder,
        async close() {
          await endAll(dir)
          rmSync(dir, { recursive: true, force: true })
        },
      }
    },
    async ask(address, image) {
      const user = `u${users++}`
      const began = performance.now()
      const { status, text } = await send(agent, new URL(path, address), review(image, { user }))
      const place = /"entries":"([^"]*)"/.exec(text)?.[1]
      return { ...readReviewed(status, text), user, place, ms: performance.now() - began }
    },
    get: (address, path) => send(agent, new URL(path, address)),
  }
}

const path = '/admission/validate?timeout=8s'

function send(agent: Agent, url: URL, body?: string): Promise<{ status: number; text: string }> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${tokens.operator}`,
  }
  const method = body === undefined ? 'GET' : 'POST'
  return new Promise((done, fail) => {
    const request = httpsRequest(url, { agent, headers, method }, (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', fail)
      response.on('end', () => {
        done({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
    })
    request.on('error', fail)
    request.end(body)
  })
}

/** Clients that ask all the time, and what they were answered. */
export class Load {
  readonly answers: Asked[] = []
  #stopped = false
  readonly #running: Promise<unknown>

  constructor(ask: () => Promise<Asked>, clients = 4) {
    this.#running = Promise.all(
      Array.from({ length: clients }, async () => {
        while (!this.#stopped)
          try {
            this.answers.push(await ask())
          } catch {
            // Whoever was cut off was answered nothing.
            await new Promise((resolve) => setTimeout(resolve, 20))
          }
      }),
    )
  }

  /** Waits until so many more have been answered like this. */
  async more(count: number, isSo: (answer: Asked) => boolean, what: string): Promise<void> {
    const from = this.answers.length
    const end = performance.now() + 30_000
    while (this.answers.slice(from).filter(isSo).length < count) {
      const last = this.answers.at(-1)
      if (performance.now() > end) assert.fail(`not within 30 s: ${what}; last: ${last?.text}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  async stop(): Promise<readonly Asked[]> {
    this.#stopped = true
    await this.#running
    return this.answers
  }
}

export const isAdmitted = ({ allowed }: Asked): boolean => allowed === true
export const isSpooled = ({ allowed, place }: Asked): boolean =>
  allowed === true && place === 'spooled'
export const isSequenced = ({ allowed, place }: Asked): boolean =>
  allowed === true && /^\d+$/.test(place ?? '')
export const isRefused = ({ status }: Asked): boolean => status === 503

/** Everybody who was let in is in the log, once; who was told where stands there; and the log verifies. */
export async function checkLog(dir: string, answers: readonly Asked[]): Promise<number> {
  const config = loadConfig({ cwd: dir, env: {} })
  const report = await logVerify(config)
  assert.deepEqual(report.problems, [])
  const { entries } = await logShow(config, { limit: 1_000_000 })
  const found = new Map<string, number[]>()
  for (const one of entries) {
    if (!('decision' in one)) continue
    const user = (one.decision.request.requester ?? '').replace('unauthenticated:', '')
    found.set(user, [...(found.get(user) ?? []), one.index])
  }
  for (const { user, place, allowed, text } of answers) {
    if (allowed !== true) continue
    const at = found.get(user) ?? []
    assert.equal(at.length, 1, `${user} is in the log ${at.length} times: ${text}`)
    if (place !== 'spooled') assert.equal(String(at[0]), place, user)
  }
  return entries.length
}
