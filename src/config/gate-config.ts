import { resolve } from 'node:path'
import type { AccessFile, AdmissionFile, ServeFile } from './gate-schema.ts'

export type ServeConfig = ServeFile
export type AccessConfig = AccessFile
export type AdmissionConfig = AdmissionFile

/** Every path absolute. */
export function serveOf(home: string, serve: ServeFile): ServeConfig {
  const { tls } = serve
  if (tls === undefined) return serve
  const { certificate, key, clientAuthorities } = tls
  return {
    ...serve,
    tls: {
      certificate: resolve(home, certificate),
      key: resolve(home, key),
      ...(clientAuthorities === undefined
        ? {}
        : { clientAuthorities: resolve(home, clientAuthorities) }),
    },
  }
}

/** Every path absolute. */
export function accessOf(home: string, access: AccessFile): AccessConfig {
  return {
    ...access,
    oidc: access.oidc.map(({ keysFile, ...issuer }) => ({
      ...issuer,
      ...(keysFile === undefined ? {} : { keysFile: resolve(home, keysFile) }),
    })),
  }
}
