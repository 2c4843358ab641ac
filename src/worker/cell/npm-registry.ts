import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fstatSync, readSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

import type { OpenBlob } from './unpack.ts'

/** One version of one package, its tarball open. */
export interface ServedPackage {
  readonly name: string
  readonly version: string
  readonly integrity: string
  readonly tarball: OpenBlob
  readonly manifest: Readonly<Record<string, unknown>>
}

/** Where npm finds the registry. The port is fixed, so that nothing that npm writes down differs between builds. */
export const registryPort = 4873
export const registryUrl = `http://127.0.0.1:${registryPort}/`

/** Makes npm use the registry, for locks with and without `resolved`, and ask for nothing else. */
export const npmEnvironment: Readonly<Record<string, string>> = {
  npm_config_registry: registryUrl,
  // The `resolved` URLs of a lock keep their path; their host becomes the registry.
  npm_config_replace_registry_host: 'always',
  npm_config_cache: '/home/build/.npm',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  npm_config_update_notifier: 'false',
  // What is not there will not be there a minute later.
  npm_config_fetch_retries: '0',
}

/** Answers from the given packages and nothing else. Rejects a tarball that is not what it was said to be. */
export class NpmRegistry {
  readonly #tarballs = new Map<string, ServedPackage>()
  readonly #packuments = new Map<string, string>()
  readonly #onBadTarball: (name: string, found: string) => void

  constructor(
    packages: readonly ServedPackage[],
    onBadTarball: (name: string, found: string) => void,
  ) {
    this.#onBadTarball = onBadTarball
    for (const served of packages) this.#tarballs.set(tarballPath(served), served)
    for (const [name, versions] of Map.groupBy(packages, ({ name }) => name))
      this.#packuments.set(name, JSON.stringify(packument(name, versions)))
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => this.#answer(request, response))
    server.maxConnections = 256
    server.headersTimeout = 30_000
    server.listen(registryPort, '127.0.0.1')
    await once(server, 'listening')
    server.on('error', () => {})
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    request.resume()
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return reply(response, 405, { error: `${request.method} is not served: read only` })
    const path = decoded(request.url ?? '')
    const tarball = this.#tarballs.get(tarballKey(path))
    if (tarball !== undefined) return this.#sendTarball(response, tarball)
    const packument = this.#packuments.get(path.slice(1))
    if (packument !== undefined)
      return send(response, 200, 'application/json', Buffer.from(packument))
    if (path === '/-/ping') return reply(response, 200, {})
    reply(response, 404, { error: `${path} is not among the locked materials of this step` })
  }

  #sendTarball(response: ServerResponse, { name, version, tarball }: ServedPackage): void {
    const bytes = readBlob(tarball)
    if (typeof bytes !== 'string') return send(response, 200, 'application/octet-stream', bytes)
    this.#onBadTarball(`${name}@${version}`, bytes)
    reply(response, 500, { error: `${name}@${version} is not what was locked` })
  }
}

/** All of a blob, or what was found in its place. */
function readBlob({ fd, size, sha256 }: OpenBlob): Buffer | string {
  const actual = fstatSync(fd).size
  if (actual !== size) return `${actual} bytes`
  const bytes = Buffer.allocUnsafe(size)
  for (let at = 0; at < size;) {
    const read = readSync(fd, bytes, at, size - at, at)
    if (read === 0) return `${at} bytes`
    at += read
  }
  const found = createHash('sha256').update(bytes).digest('hex')
  return found === sha256 ? bytes : `sha256 ${found}`
}

function packument(name: string, versions: readonly ServedPackage[]): object {
  return {
    name,
    'dist-tags': { latest: versions.at(-1)?.version },
    versions: Object.fromEntries(
      versions.map((served) => [
        served.version,
        {
          ...served.manifest,
          name,
          version: served.version,
          dist: {
            tarball: new URL(tarballPath(served), registryUrl).href,
            integrity: served.integrity,
          },
        },
      ]),
    ),
  }
}

function tarballPath({ name, version }: ServedPackage): string {
  return `${name}/-/${name.split('/').at(-1)}-${version}.tgz`
}

// A URL of another registry keeps its own prefix (`/npm/team/`), and some repeat the scope after `/-/`.
function tarballKey(path: string): string {
  const parts = /((?:@[^/]+\/)?[^/@]+)\/-\/(?:@[^/]+\/)?([^/]+\.tgz)$/.exec(path)
  return parts === null ? '' : `${parts[1]}/-/${parts[2]}`
}

function decoded(url: string): string {
  try {
    return decodeURIComponent(url.split('?')[0] ?? '')
  } catch {
    return ''
  }
}

function reply(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json', Buffer.from(JSON.stringify(body)))
}

function send(response: ServerResponse, status: number, type: string, body: Buffer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': body.length })
  response.end(body)
}
