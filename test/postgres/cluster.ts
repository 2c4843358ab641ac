import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
} from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Client } from 'pg'
import type { PostgresOptions } from '#store'

/** PostgreSQL of this machine, with a cluster of its own in a temporary folder, on a Unix socket. */
export interface Cluster {
  readonly folder: string
  readonly port: number
  /** How to reach one of its databases, which is made. */
  database(name: string, more?: Partial<PostgresOptions>): Promise<PostgresOptions>
  /** Says something to a database as its superuser. */
  say(database: string, text: string): Promise<readonly Record<string, unknown>[]>
  /** Dumps a database as `pg_dump` does; gives the file. */
  dump(database: string): Promise<string>
  /** Puts the database back as it was then; whoever is still connected is not any more. */
  restore(database: string, dump: string): Promise<void>
  /** `immediate` is a crash: nothing is written, nobody is told. */
  halt(how: 'fast' | 'immediate'): Promise<void>
  start(settings?: readonly string[]): Promise<void>
  /** Stops all its processes where they are. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

const bin = programs()

/** Why there is no cluster here; undefined when there can be one. */
export function whyNoPostgres(): string | undefined {
  if (bin === undefined) return 'skipped: no PostgreSQL (apt-get install postgresql)'
  if (process.getuid?.() === 0 && serverUser() === undefined)
    return 'skipped: PostgreSQL does not run as root, and there is no user "postgres"'
  return undefined
}

export async function startCluster(settings: readonly string[] = []): Promise<Cluster> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pg-'))
  const user = process.getuid?.() === 0 ? serverUser() : undefined
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  chmodSync(folder, 0o700)
  const data = join(folder, 'data')
  const port = await freePort()
  const as = { ...user, cwd: folder, env: { PATH: process.env['PATH'], LC_ALL: 'C' } }
  const made = spawnSync(
    join(bin ?? '', 'initdb'),
    [
      '-D',
      data,
      '-U',
      'admin',
      '--auth=trust',
      '--auth-host=scram-sha-256',
      '-E',
      'UTF8',
      '--no-sync',
    ],
    { ...as, encoding: 'utf8' },
  )
  if (made.status !== 0) throw new Error(`initdb: ${made.stderr}`)
  let server: ChildProcess | undefined
  let ended = Promise.resolve()
  const own = (database: string) => ({
    host: folder,
    port,
    user: 'admin',
    database,
    ssl: false,
  })
  /** A program of PostgreSQL, as its superuser. */
  const tool = (name: string, args: readonly string[]): void => {
    const where = ['-h', folder, '-p', String(port), '-U', 'admin']
    const said = spawnSync(join(bin ?? '', name), [...where, ...args], {
      cwd: folder,
      encoding: 'utf8',
    })
    if (said.status !== 0) throw new Error(`${name}: ${said.stderr}`)
  }
  const cluster: Cluster = {
    folder,
    port,
    async database(name, more = {}) {
      await cluster.say('postgres', `CREATE DATABASE "${name}"`)
      const { host, user: owner } = own(name)
      return { host, port, user: owner, database: name, timeoutMs: 3000, connections: 4, ...more }
    },
    async say(database, text) {
      const client = new Client(own(database))
      client.on('error', () => undefined)
      await client.connect()
      try {
        return (await client.query<Record<string, unknown>>(text)).rows ?? []
      } finally {
        await client.end()
      }
    },
    async dump(database) {
      const file = join(folder, 'backup', `${database}.dump`)
      tool('pg_dump', ['-Fc', '-f', file, database])
      return file
    },
    async restore(database, dump) {
      await cluster.say('postgres', `DROP DATABASE "${database}" WITH (FORCE)`)
      await cluster.say('postgres', `CREATE DATABASE "${database}"`)
      tool('pg_restore', ['--exit-on-error', '-d', database, dump])
    },
    async halt(how) {
      server?.kill(how === 'fast' ? 'SIGINT' : 'SIGQUIT')
      await ended
      server = undefined
    },
    async start(more = []) {
      const options = [...settings, ...more].flatMap((one) => ['-c', one])
      const child = spawn(
        join(bin ?? '', 'postgres'),
        [
          '-D',
          data,
          '-k',
          folder,
          '-p',
          String(port),
          '-c',
          'listen_addresses=',
          '-c',
          'max_connections=60',
          ...options,
        ],
        { ...as, stdio: 'ignore' },
      )
      ended = new Promise((resolve) => child.once('exit', () => resolve()))
      server = child
      await untilItAnswers(async () => cluster.say('postgres', 'SELECT 1'))
    },
    freeze: () => signalAll(server, 'SIGSTOP'),
    thaw: () => signalAll(server, 'SIGCONT'),
    async stop() {
      if (server !== undefined) await cluster.halt('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
  }
  mkdirSync(join(folder, 'backup'))
  await cluster.start()
  return cluster
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The server and the processes it has started, which are its children. */
function signalAll(server: ChildProcess | undefined, signal: NodeJS.Signals): void {
  if (server?.pid === undefined) return
  const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(server.pid)], {
    encoding: 'utf8',
  })
  const children = stdout.split('\n').flatMap((line) => (line.trim() === '' ? [] : [Number(line)]))
  for (const pid of [server.pid, ...children])
    try {
      process.kill(pid, signal)
    } catch {
      // It has just ended.
    }
}

async function untilItAnswers(ask: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await ask()
      return
    } catch (problem) {
      if (tries === 200) throw problem
      await wait(50)
    }
  }
}

function programs(): string | undefined {
  const root = '/usr/lib/postgresql'
  const versions = existsSync(root) ? readdirSync(root).sort((a, b) => Number(b) - Number(a)) : []
  const folders = [
    ...versions.map((version) => join(root, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ]
  return folders.find(
    (folder) => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')),
  )
}

/** PostgreSQL refuses to run as root. */
export function serverUser(): { uid: number; gid: number } | undefined {
  const [uid, gid] = ['-u', '-g'].map((flag) =>
    spawnSync('id', [flag, 'postgres'], { encoding: 'utf8' }).stdout.trim(),
  )
  return uid === '' || uid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) }
}
