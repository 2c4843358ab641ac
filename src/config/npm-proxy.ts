import { resolve } from 'node:path'
import type { NpmProxyFile } from './npm-proxy-schema.ts'

type Bound = NpmProxyFile['scopes'][string]

/** Every path absolute. */
export function npmOf(home: string, { tls, ...npm }: NpmProxyFile): NpmProxyFile {
  const inHome = (path: string): string => resolve(home, path)
  const boundOf = <T extends object>(
    bound: string | (T & { readonly tokenFile?: string | undefined }),
  ) =>
    typeof bound === 'string' || bound.tokenFile === undefined
      ? bound
      : { ...bound, tokenFile: inHome(bound.tokenFile) }
  const each = (all: Readonly<Record<string, Bound>>): Record<string, Bound> =>
    Object.fromEntries(Object.entries(all).map(([name, bound]) => [name, boundOf(bound)]))
  return {
    ...npm,
    upstream: boundOf(npm.upstream),
    scopes: each(npm.scopes),
    packages: each(npm.packages),
    cache: { ...npm.cache, folder: inHome(npm.cache.folder) },
    ...(tls === undefined
      ? {}
      : {
          tls: {
            certificate: inHome(tls.certificate),
            key: inHome(tls.key),
            ...(tls.clientAuthorities === undefined
              ? {}
              : { clientAuthorities: inHome(tls.clientAuthorities) }),
          },
        }),
  }
}
