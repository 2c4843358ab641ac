import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

/** Debian's docker-registry, on loopback, with its data in a folder of its own. */
export interface RealRegistry {
  readonly host: string
  readonly base: string
  /** Where it keeps the bytes of a digest. */
  dataFile(digest: string): string
  /** Stops answering, and keeps its connections. */
  freeze(): void
  thaw(): void
  stop(): Promise<void>
}

/** The one account of a registry that wants a password; the line of its htpasswd is bcrypt, as cheap as there is. */
export const account = {
  name: 'promoter',
  password: 'of-the-test',
  htpasswd: 'promoter:$2b$04$j1vlh3bgFoL4.873ccrIpuTo9kXdf3Rdfv9uFbleBbaqxTmSl2tX6\n',
} as const

/** Why the real registry cannot be used here; undefined when it can. */
export function whyNoRegistry(): string | undefined {
  const { error } = spawnSync('docker-registry', ['--version'])
  return error === undefined
    ? undefined
    : 'skipped: no docker-registry (apt-get install docker-registry)'
}

/** `users`: lines of an htpasswd file; nobody else may read or write there. */
export async function startRealRegistry(users?: string): Promise<RealRegistry> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const config = join(folder, 'config.yml')
  writeFileSync(
    config,
    [
      'version: 0.1',
      'log: {level: error, accesslog: {disabled: true}}',
      `storage: {filesystem: {rootdirectory: ${folder}/data}}`,
      `http: {addr: '${host}'}`,
      ...(users === undefined ? [] : [`auth: {htpasswd: {realm: test, path: ${folder}/users}}`]),
    ].join('\n'),
  )
  if (users !== undefined) writeFileSync(join(folder, 'users'), users)
  const child = spawn('docker-registry', ['serve', config], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], OTEL_TRACES_EXPORTER: 'none' },
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const base = `http://${host}`
  await untilItAnswers(base)
  return {
    host,
    base,
    dataFile: (digest) =>
      join(folder, 'data/docker/registry/v2/blobs/sha256', digest.slice(0, 2), digest, 'data'),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGKILL')
      await ended
      if (existsSync(folder)) rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilItAnswers(base: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    try {
      if ([200, 401].includes((await fetch(`${base}/v2/`)).status)) return
    } catch {
      // It is not listening yet.
    }
    await wait(50)
  }
  throw new Error('docker-registry did not start within 10 s')
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
