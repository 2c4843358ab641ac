import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { NpmAccess } from '../npm/config.ts'
import type { TestPackage } from './package.ts'

/** What a request is answered with, before the registry answers as usual. Undefined: as usual. */
export type Intercept = (
  request: IncomingMessage,
  response: ServerResponse,
  count: number,
) => boolean | undefined

export interface TestRegistry {
  readonly url: string
  /** Method and path of every request, in order. */
  readonly requests: readonly string[]
  readonly authorizations: readonly (string | undefined)[]
  /** A way to it like one read from npm's configuration. */
  readonly access: NpmAccess
  close(): Promise<void>
}

export interface TestRegistryOptions {
  readonly intercept?: Intercept
  /** Keeps tarballs at an address of its own, and says so in the metadata. */
  readonly tarballsElsewhere?: boolean
  readonly access?: Partial<NpmAccess>
}

/** A real npm registry, read-only and small, on the loopback interface. */
export async function startRegistry(
  packages: readonly TestPackage[],
  options: TestRegistryOptions = {},
): Promise<TestRegistry> {
  const requests: string[] = []
  const authorizations: (string | undefined)[] = []
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? '')
    requests.push(`${request.method} ${path}`)
    authorizations.push(request.headers.authorization)
    const count = (counts.get(path) ?? 0) + 1
    counts.set(path, count)
    if (options.intercept?.(request, response, count) === true) return
    answer(path, packages, url, options, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const access: NpmAccess = {
    registryFor: () => new URL(url),
    authorization: () => undefined,
    tlsUnverified: false,
    proxy: {},
    ...options.access,
  }
  return {
    url,
    requests,
    authorizations,
    access,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function answer(
  path: string,
  packages: readonly TestPackage[],
  url: string,
  options: TestRegistryOptions,
  response: ServerResponse,
): void {
  const tarball = packages.find((item) => path === tarballPath(item, options))
  if (tarball !== undefined) {
    response.end(tarball.tarball)
    return
  }
  const versions = packages.filter(({ name }) => path === `/${name}`)
  if (versions.length === 0) {
    response.writeHead(404).end('{}')
    return
  }
  const entries = versions.map((item) => [
    item.version,
    {
      name: item.name,
      version: item.version,
      dist: { integrity: item.integrity, tarball: new URL(tarballPath(item, options), url).href },
    },
  ])
  response.end(JSON.stringify({ versions: Object.fromEntries(entries) }))
}

function tarballPath(item: TestPackage, options: TestRegistryOptions): string {
  const file = `${item.name.slice(item.name.indexOf('/') + 1)}-${item.version}.tgz`
  return options.tarballsElsewhere === true ? `/elsewhere/${file}` : `/${item.name}/-/${file}`
}
