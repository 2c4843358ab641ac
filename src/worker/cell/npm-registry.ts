import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { fstatSync, readSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline, Readable } from 'node:stream'

import { BlobError, type OpenBlob } from './unpack.ts'

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
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'content-length': tarball.size,
    })
    const content = Readable.from(verifiedContent(tarball), { objectMode: false })
    pipeline(content, response, (error) => {
      if (error instanceof BlobError) this.#onBadTarball(`${name}@${version}`, error.message)
    })
  }
}

const chunkSize = 256 * 1024

/** The content in chunks, the last of which comes only when all of it is what it was said to be. */
function* verifiedContent({ fd, size, sha256 }: OpenBlob): Generator<Buffer> {
  const hash = createHash('sha256')
  const actual = fstatSync(fd).size
  if (actual !== size) throw new BlobError(`${actual} bytes`)
  for (let at = 0; at < size;) {
    const chunk = Buffer.allocUnsafe(Math.min(chunkSize, size - at))
    const read = readSync(fd, chunk, 0, chunk.length, at)
    if (read === 0) throw new BlobError(`${at} bytes`)
    at += read
    hash.update(chunk.subarray(0, read))
    if (at === size) {
      const found = hash.digest('hex')
      if (found !== sha256) throw new BlobError(`sha256 ${found}`)
    }
    yield chunk.subarray(0, read)
  }
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
