import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { serve, type RunningGate } from '#app'
import { loadConfig, type Config } from '#config'
import { approval, keys, signed, trustEntries } from '../../src/core/decision/testing/fixtures.ts'
import { trustBytes } from '../../src/core/trust/testing/fixtures.ts'
import { home } from '../scenarios/home-folder.ts'

/** Tokens of the tests, one for each role. */
export const tokens = {
  viewer: 'token-of-a-viewer-0123456789',
  deployer: 'token-of-a-deployer-0123456789',
  approver: 'token-of-an-approver-0123456789',
  operator: 'token-of-an-operator-0123456789',
  auditor: 'token-of-an-auditor-0123456789',
  builder: 'token-of-a-builder-0123456789',
} as const
export type RoleName = keyof typeof tokens

/** A home folder whose policy lets in what alice has approved for production. */
export interface GateHome {
  readonly dir: string
  readonly folder: string
  /** Host and port of a registry that has nothing. */
  readonly registry: string
  /** Approves an artifact, or another one that was never seen; gives its digest. */
  approve(digest?: string): string
  /** An image of this registry. */
  image(digest: string): string
  /** Ends what still runs on the folder, then removes it. */
  close(): Promise<void>
}

const root = resolve(import.meta.dirname, '../..')
export const program = join(root, 'src/cli/main.ts')

/** Makes a home folder. `more` is added to `sallyport.yaml`; `dir` is where, or a folder of its own. */
export async function makeHome(more = '', at?: string): Promise<GateHome> {
  const dir = at ?? mkdtempSync(join(tmpdir(), 'sallyport-gate-'))
  await home([], dir)
  const folder = join(dir, '.sallyport')
  const stored = new Map<string, Uint8Array>()
  const empty = await startEmptyRegistry(stored)
  const registry = `127.0.0.1:${(empty.address() as AddressInfo).port}`
  writePolicy(folder)
  writeFileSync(join(folder, 'trust.yaml'), trustBytes(trustEntries))
  appendFileSync(join(folder, 'sallyport.yaml'), configOf(registry, more))
  return {
    dir,
    folder,
    registry,
    approve(digest = randomBytes(32).toString('hex')) {
      const statement = approval('production', { sha256: digest })
      stored.set(digest, signed(statement, keys.alice).bytes)
      return digest
    },
    image: (digest) => `${registry}/shop@sha256:${digest}`,
    async close() {
      await endAll(dir)
      empty.close()
      empty.closeAllConnections()
      if (at === undefined) rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** How to end each gate that was started on a folder. */
const started = new Map<string, (() => Promise<unknown>)[]>()

function note(dir: string, end: () => Promise<unknown>): void {
  started.set(dir, [...(started.get(dir) ?? []), end])
}

/** Ends every gate on a folder. A folder that goes while a gate still writes there is a log that was put back. */
export async function endAll(dir: string): Promise<void> {
  const ends = started.get(dir) ?? []
  started.delete(dir)
  await Promise.all(ends.map((end) => end()))
}

/** Writes the one policy; `rule` stands for what it requires. */
export function writePolicy(folder: string, rule = allowed): void {
  const text = [
    'apiVersion: sallyport.dev/v1',
    'kind: DeploymentPolicy',
    'metadata: {name: shop-production, owner: team-shop}',
    'targets: [{environment: production, service: shop}]',
    'require:',
    `  - ${rule}`,
    '',
  ]
  rmSync(join(folder, 'policies'), { recursive: true })
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies/production.yaml'), text.join('\n'))
}
const allowed = 'allowed: {by: [release-managers], environment: production}'

function configOf(registry: string, more: string): string {
  const grants = Object.entries(tokens).map(([role, token]) => {
    const sha256 = createHash('sha256').update(token).digest('hex')
    return `    - {name: ${role}, sha256: ${sha256}, roles: [${role}], expires: 2099-01-01T00:00:00Z}`
  })
  const serving = more.includes('serve:') ? '' : 'serve: {port: 0}\n'
  const admission = more.includes('admission:')
    ? ''
    : 'admission: {others: {environment: production, service: shop}}\n'
  return `${serving}${admission}evidence: {registries: {allow: ['${registry}']}, stores: ['http://${registry}'], timeoutSeconds: 5}
access:
  tokens:
${grants.join('\n')}
${more}`
}

/** A registry without images that is also a store of attestations. */
async function startEmptyRegistry(stored: ReadonlyMap<string, Uint8Array>): Promise<Server> {
  const server = createServer(({ url = '' }, response) => {
    const bytes = stored.get(url.replace(/^\/sha256\//, ''))
    if (bytes === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': 'application/json' }).end(bytes)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  return server
}

/** A gate in this process, and what it wrote to its journal. */
export interface Inside extends RunningGate {
  readonly journal: string[]
}

export async function startInside(
  { dir }: GateHome,
  clock: () => Date = () => new Date(),
  change: (config: Config) => Config = (config) => config,
): Promise<Inside> {
  const journal: string[] = []
  const config = change(loadConfig({ cwd: dir, env: {} }))
  const out = { write: (text: string) => journal.push(text) }
  const gate = await serve({ config, out, clock })
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= gate.stop())
  note(dir, stop)
  return { ...gate, stop, journal }
}

/** A gate in a process of its own. */
export interface Outside {
  readonly address: string
  readonly child: ChildProcess
  readonly output: () => string
  /** Resolves with how it ended. */
  readonly ended: Promise<number | NodeJS.Signals>
}

export async function startOutside(
  { dir }: { readonly dir: string },
  execArgv: readonly string[] = [],
): Promise<Outside> {
  const child = spawn(process.execPath, [...execArgv, program, 'serve'], {
    cwd: dir,
    env: { PATH: process.env['PATH'], HOME: dir },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ended = new Promise<number | NodeJS.Signals>((done) => {
    child.once('close', (code, signal) => done(signal ?? code ?? -1))
  })
  note(dir, () => {
    child.kill('SIGKILL')
    return ended
  })
  const address = await new Promise<string>((done, fail) => {
    const take = (chunk: Buffer): void => {
      output += chunk.toString()
      const found = /"event":"listening","address":"([^"]+)"/.exec(output)?.[1]
      if (found !== undefined) done(found)
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    void ended.then((how) => fail(new Error(`the gate ended (${how}): ${output}`)))
  })
  return { address, child, output: () => output, ended }
}

/** An AdmissionReview for a pod with one image. */
export function review(image: string, more: { user?: string; padding?: number } = {}): string {
  const { user = 'jo', padding = 0 } = more
  return JSON.stringify({
    apiVersion: 'admission.k8s.io/v1',
    kind: 'AdmissionReview',
    request: {
      uid: 'c601e4a3-7660-424a-871a-b7660524b4a8',
      kind: { group: '', version: 'v1', kind: 'Pod' },
      name: 'p',
      namespace: 'default',
      operation: 'CREATE',
      userInfo: { username: user },
      object: {
        kind: 'Pod',
        apiVersion: 'v1',
        metadata: {
          name: 'p',
          namespace: 'default',
          annotations: padding === 0 ? {} : { padding: 'x'.repeat(padding) },
        },
        spec: { containers: [{ name: 'main', image }] },
      },
    },
  })
}

export interface Reviewed {
  readonly status: number
  readonly text: string
  readonly allowed: boolean | undefined
  readonly message: string
  /** Where the decision stands in the log. */
  readonly entry: number | undefined
}

/** Posts an AdmissionReview as the API server does. */
export async function admission(
  address: string,
  body: string | Uint8Array,
  path = '/admission/validate?timeout=10s',
): Promise<Reviewed> {
  const response = await fetch(new URL(path, address), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : Buffer.from(body),
  })
  return readReviewed(response.status, await response.text())
}

export function readReviewed(status: number, text: string): Reviewed {
  const { response } = (status === 200 ? JSON.parse(text) : {}) as {
    response?: {
      allowed: boolean
      status?: { message: string }
      auditAnnotations?: { entries?: string }
    }
  }
  const entry = response?.auditAnnotations?.entries
  return {
    status,
    text,
    allowed: response?.allowed,
    message: response?.status?.message ?? '',
    entry: entry === undefined ? undefined : Number(entry),
  }
}

export function call(
  address: string,
  path: string,
  init: RequestInit & { readonly as?: RoleName } = {},
): Promise<Response> {
  const { as, ...rest } = init
  const headers = new Headers(rest.headers)
  if (as !== undefined) headers.set('authorization', `Bearer ${tokens[as]}`)
  return fetch(new URL(path, address), { ...rest, headers })
}

/** Waits until something is so, and says what was not when it takes too long. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within 30 s: ${what}`)
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** What /readyz says. */
export async function readiness(
  address: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(new URL('/readyz', address))
  return { status: response.status, text: await response.text() }
}
