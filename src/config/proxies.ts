import { resolve } from 'node:path'
import type { NpmProxyFile } from './npm-proxy-schema.ts'
import { npmOf } from './npm-proxy.ts'
import type { OciProxyFile, ProxiesFile } from './proxies-schema.ts'

export type OciProxyConfig = OciProxyFile
export type NpmProxyConfig = NpmProxyFile
export type ProxiesConfig = ProxiesFile

/** Every path absolute. */
export function proxiesOf(home: string, { oci, npm }: ProxiesFile): ProxiesConfig {
  return {
    ...(oci === undefined ? {} : { oci: ociOf(home, oci) }),
    ...(npm === undefined ? {} : { npm: npmOf(home, npm) }),
  }
}

function ociOf(home: string, { tls, ...oci }: OciProxyFile): OciProxyConfig {
  const inHome = (path: string): string => resolve(home, path)
  return {
    ...oci,
    cache: { ...oci.cache, folder: inHome(oci.cache.folder) },
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
