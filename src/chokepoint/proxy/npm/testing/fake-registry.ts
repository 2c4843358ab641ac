import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { integrityOf, packPackage } from './package.ts'

/** A version in the fake. */
export interface FakeVersion {
  readonly version: string
  /** Default: a year ago. */
  readonly published?: string
  /** Laid over what npm is told. */
  readonly manifest?: Readonly<Record<string, unknown>>
  /** Laid over `dist`. */
  readonly dist?: Readonly<Record<string, unknown>>
  /** What is in the tarball, in place of what is told. */
  readonly tarball?: Uint8Array
}

/** A fake npm registry in this process: packages that a test has made, over real HTTP. */
export interface FakeRegistry {
  /** Ends in `/`. */
  readonly url: string
  /** Every request: method, path and headers. */
  readonly asked: readonly Asked[]
  /** Adds a package, or replaces it; gives the tarball of each version. */
  publish(
    name: string,
    versions: readonly FakeVersion[],
    distTags?: Readonly<Record<string, string>>,
  ): ReadonlyMap<string, Uint8Array>
  /** Lays an attestation bundle beside a version. */
  attest(name: string, version: string, bundle: Uint8Array): void
  /** Other bytes in place of a tarball. */
  tamper(name: string, version: string, bytes: Uint8Array): void
  /** Whatever this answers in place of the packument of a package. */
  answer(path: string, body: string | Uint8Array): void
  /** From now on it answers nothing but 500. */
  break(): void
  close(): Promise<void>
}

export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const longAgo = '2024-01-01T00:00:00.000Z'

export async function startFakeRegistry(): Promise<FakeRegistry> {
  const answers = new Map<string, string | Uint8Array>()
  const attestations = new Map<string, unknown[]>()
  const asked: Asked[] = []
  let broken = false
  const server = createServer((request, response) => void handle(request, response))
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = decodeURIComponent(request.url ?? '')
    const body = (await request.toArray()).map(String).join('')
    asked.push({ method: request.method ?? '', path, headers: request.headers, body })
    const found = answers.get(path)
    if (broken) response.writeHead(500).end()
    else if (found === undefined) response.writeHead(404).end('{"error":"Not found"}')
    else {
      const type = typeof found === 'string' ? { 'content-type': 'application/json' } : {}
      response.writeHead(200, type).end(found)
    }
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  server.unref()
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    asked,
    publish(name, versions, distTags) {
      const packed = versions.map((one) => pack(url, name, one))
      for (const { path, bytes } of packed) answers.set(path, bytes)
      const packument = {
        name,
        'dist-tags': distTags ?? { latest: versions.at(-1)?.version ?? '' },
        versions: Object.fromEntries(packed.map(({ version, told }) => [version, told])),
        time: Object.fromEntries(versions.map((one) => [one.version, one.published ?? longAgo])),
      }
      answers.set(`/${name}`, JSON.stringify(packument))
      return new Map(packed.map(({ version, bytes }) => [version, bytes]))
    },
    attest(name, version, bundle) {
      const path = `/-/npm/v1/attestations/${name}@${version}`
      const all = attestations.get(path) ?? []
      all.push({ bundle: JSON.parse(Buffer.from(bundle).toString()) as unknown })
      attestations.set(path, all)
      answers.set(path, JSON.stringify({ attestations: all }))
    },
    tamper: (name, version, bytes) => answers.set(tarballPath(name, version), bytes),
    answer: (path, body) => answers.set(path, body),
    break() {
      broken = true
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function pack(url: string, name: string, { version, manifest, dist, tarball }: FakeVersion) {
  const path = tarballPath(name, version)
  const inside = { name, version, ...manifest }
  const bytes = tarball ?? packPackage(inside)
  const place = { tarball: `${url}${path.slice(1)}`, integrity: integrityOf(bytes), ...dist }
  return { version, path, bytes, told: { ...inside, dist: place } }
}

function tarballPath(name: string, version: string): string {
  return `/${name}/-/${name.replace(/^.*\//, '')}-${version}.tgz`
}
